"""Results as plain data: JSON and arrays without pickles, so that nothing of theirs runs where a result is read."""

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from mlp.nn.arrays import Array

_PACKAGE = "mlp."


def save(value: Any, path: Path) -> None:
    """Write a result as path.json and path.npz; the JSON comes last and whole, so that it is there or it is not."""
    arrays: dict[str, Array] = {}
    text = json.dumps(_packed(value, arrays))
    np.savez(path.with_suffix(".npz"), **arrays)  # type: ignore[arg-type]  # its other option is never a key here
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.rename(path.with_suffix(".json"))


def load(path: Path) -> Any:
    """Read what `save` wrote.

    Raises:
        ValueError: the file names a type that is not one of our own dataclasses.
    """
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return _unpacked(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")), arrays)


def _packed(value: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError(f"an array of {value.dtype} is no plain data")
        arrays[f"a{len(arrays)}"] = value
        return {"array": f"a{len(arrays) - 1}"}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # of a lone surrogate no page and no file can be made
    if value is None or (isinstance(value, int | float) and not isinstance(value, Enum)):
        return value
    if is_dataclass(value) and not isinstance(value, type):  # before Mapping, for a report is both
        held = {field.name: _packed(getattr(value, field.name), arrays) for field in fields(value) if field.init}
        return {"type": _name(type(value)), "fields": held}
    for kind, pack in _PACKERS.items():
        if isinstance(value, kind):
            return pack(value, lambda part: _packed(part, arrays))
    raise TypeError(f"{type(value).__name__} is no plain data")


_PACKERS: dict[Any, Callable[[Any, Callable[[Any], Any]], Any]] = {
    complex: lambda value, _: {"complex": [value.real, value.imag]},
    Enum: lambda value, _: {"enum": [_name(type(value)), value.name]},
    tuple: lambda value, pack: {"tuple": [pack(part) for part in value]},
    list: lambda value, pack: [pack(part) for part in value],
    Mapping: lambda value, pack: {"map": [[pack(key), pack(part)] for key, part in value.items()]},
}


def _unpacked(value: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(value, list):
        return [_unpacked(part, arrays) for part in value]
    if not isinstance(value, dict):
        return value
    if "type" in value:
        return _class(value["type"])(**{name: _unpacked(part, arrays) for name, part in value["fields"].items()})
    (mark, held), *_ = value.items()
    return _UNPACKERS[mark](held, lambda part: _unpacked(part, arrays), arrays)


_UNPACKERS: dict[str, Callable[[Any, Callable[[Any], Any], Mapping[str, Array]], Any]] = {
    "array": lambda held, _, arrays: arrays[held],
    "complex": lambda held, _unpack, _arrays: complex(*held),
    "enum": lambda held, _unpack, _arrays: _class(held[0])[held[1]],
    "tuple": lambda held, unpack, _arrays: tuple(unpack(part) for part in held),
    "map": lambda held, unpack, _arrays: {unpack(key): unpack(part) for key, part in held},
}


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _class(name: str) -> Any:
    module, _, qualified = name.partition(":")
    found = getattr(importlib.import_module(module), qualified, None) if module.startswith(_PACKAGE) else None
    if not isinstance(found, type) or not (is_dataclass(found) or issubclass(found, Enum)):
        raise ValueError(f"{name} is not a type of results")
    return found
