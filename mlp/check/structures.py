"""Structures of arrays: dicts, lists, tuples and dataclasses, nested at will, and the arrays in them by dotted name."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from mlp.nn.arrays import Array, as_real

# How a gradient in a dict is spelled, for a parameter of that name.
_SPELLINGS = ("{}", "d{}", "grad_{}", "d_{}", "{}_grad", "grad{}")

_SETTINGS = (str, bytes, bool, type(None))


def _children(structure: Any) -> dict[str, Any] | None:
    """What a dict, list, tuple or dataclass holds, by name; None for anything else."""
    if isinstance(structure, Mapping):
        return {str(key): value for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        return {str(index): value for index, value in enumerate(structure)}
    if dataclasses.is_dataclass(structure) and not isinstance(structure, type):
        return {field.name: getattr(structure, field.name) for field in dataclasses.fields(structure) if field.init}
    return None


def leaves(structure: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a structure that may be an array, with its dotted name; "parameters" for a bare array.

    Text, switches and None are settings, which are handed on as they are.
    """
    children = _children(structure)
    if children is None:
        if not isinstance(structure, _SETTINGS):
            yield name or "parameters", structure
        return
    for key, child in children.items():
        yield from leaves(child, f"{name}.{key}" if name else key)


def filled(structure: Any, arrays: Mapping[str, Array], name: str) -> Any:
    """A structure of the same kind with these arrays for its leaves; what is no array stays."""
    children = _children(structure)
    if children is None:
        return arrays.get(name or "parameters", structure)
    values = [filled(child, arrays, f"{name}.{key}" if name else key) for key, child in children.items()]
    if isinstance(structure, Mapping):
        return dict(zip(structure, values, strict=True))
    if isinstance(structure, tuple):
        return type(structure)(*values) if hasattr(structure, "_fields") else tuple(values)
    if isinstance(structure, list):
        return values
    return dataclasses.replace(structure, **dict(zip(children, values, strict=True)))


def by_name(gradients: Any, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The gradients under their parameters' names; one that is not there, or is None, is left out."""
    found = dict(leaves(gradients))
    named = {name: [s.format(name) for s in _SPELLINGS if s.format(name) in found] for name in arrays}
    return {name: as_real(f"the gradient of {name}", found[keys[0]]) for name, keys in named.items() if keys}
