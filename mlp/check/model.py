"""A whole model as one layer: any function from a structure of parameters to its value and their gradients.

The layer computes y = x c(parameters) for a number x, which is 1. So the value and its gradients pass through the very
check that every other layer does, and dy and dx have a meaning too: dx = c dy, and the gradient of W is x dy dc/dW.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.check import check_gradients
from mlp.check.passes import Remark, RemarkKind
from mlp.check.projection import Projection
from mlp.check.report import Finding, GradientReport
from mlp.differences.methods import CENTRAL, Method
from mlp.nn.arrays import Array, as_real
from mlp.nn.layers import Layer

ModelFunction = Callable[[Any], tuple[Any, Any]]

# How a gradient in a dict is spelled, for a parameter of that name.
_SPELLINGS = ("{}", "d{}", "grad_{}", "d_{}", "{}_grad", "grad{}")


def check_model(
    function: ModelFunction, parameters: Any, eps: float = 1e-4, method: str | Method = CENTRAL
) -> GradientReport:
    """Check the gradients that a function returns beside its value, for every parameter.

    Args:
        function: takes parameters of this structure, always fresh copies, and returns the value, one real number, and
            the gradients: in the same structure, or in a dict by the parameters' names ("W1", "dW1", "grad_W1").
        parameters: an array, or a dict, list, tuple or dataclass of such structures. Their names in the report are
            the keys, indices and fields on the way to them, joined by dots: "W1", "layers.0.W".
        eps: the step of the numerical gradients, positive.
        method: a method or the name of one in METHODS.

    Returns:
        A report with one check for each parameter. A gradient that is missing, or has another shape, is a fault.

    Raises:
        ValueError: the parameters are empty, the function does not return a number and gradients, or it changes its
            parameters in place.
        TypeError: a parameter is no array of real numbers.
    """
    arrays = {name: as_real(name, leaf) for name, leaf in _leaves(parameters)}
    if not arrays:
        raise ValueError("parameters holds no array: give a dict, list, tuple or dataclass of arrays")
    model = Model(function, parameters, arrays)
    report = check_gradients(model, Projection(), [1.0], [1.0], eps, method)
    checks = {name: check for name, check in report.items() if name in arrays}
    remarks = (*model.faults(), *report.remarks)
    return dataclasses.replace(report, checks=checks, remarks=remarks, diagnose=_Diagnosis(report))


@dataclasses.dataclass(frozen=True)
class _Diagnosis:
    """The findings of the model as a layer; not that its layers are put together wrongly, since it has but one."""

    of_layer: GradientReport

    def __call__(self, _: GradientReport) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.of_layer.diagnosis if finding.tensors)


class Model(Layer):
    """The layer y = x c(parameters), of x with shape (1,)."""

    def __init__(self, function: ModelFunction, structure: Any, arrays: dict[str, Array]) -> None:
        self.function, self.structure, self.arrays = function, structure, arrays
        self.kept: tuple[Array, Array, dict[str, Array]] | None = None
        self.grads: dict[str, Array] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> "Model":
        """Copy the parameters alone: the function is the caller's, and gets copies at each call."""
        return Model(self.function, self.structure, {name: array.copy() for name, array in self.arrays.items()})

    def parameters(self) -> dict[str, Array]:
        """The arrays by their dotted names."""
        return dict(self.arrays)

    def gradients(self) -> dict[str, Array]:
        """Those of the last backward that fit their parameters."""
        return dict(self.grads)

    def replaced(self, name: str, value: Array) -> "Model":
        """Return a copy with another array of this name."""
        return Model(self.function, self.structure, self.arrays | {name: value})

    def apply(self, x: ArrayLike) -> Array:
        """Compute x c, shape (1,)."""
        return np.asarray(x) * self._call()[0]

    def forward(self, x: ArrayLike) -> Array:
        """Compute x c, and keep what the function returned."""
        value, returned = self._call()
        gradients = _by_name(returned, self.arrays)
        fitting = {name: gradient for name, gradient in gradients.items() if gradient.shape == self.arrays[name].shape}
        self.kept = np.array(x), value, fitting
        return self.kept[0] * value

    def backward(self, dy: ArrayLike) -> Array:
        """Return dx = c dy, and keep x dy times the gradients."""
        if self.kept is None:
            raise RuntimeError("call forward() first: there is nothing to go on yet")
        x, value, gradients = self.kept
        self.grads = {name: x[0] * np.asarray(dy)[0] * gradient for name, gradient in gradients.items()}
        return np.asarray(dy) * value

    def faults(self) -> Iterator[Remark]:
        """What can be said of the gradients without comparing them: one is missing, or has another shape."""
        gradients = _by_name(self._call()[1], self.arrays)
        for name, array in self.arrays.items():
            if name not in gradients:
                yield Remark(RemarkKind.MISSING, "", f"function returns no gradient of {name}.")
            elif gradients[name].shape != array.shape:
                shapes = f"the shape {gradients[name].shape}, but {name} has the shape {array.shape}"
                yield Remark(RemarkKind.WRONG_SHAPE, "", f"function returns a gradient of {name} with {shapes}.")

    def _call(self) -> tuple[Array, Any]:
        """The value, a number, and the gradients, at copies of the parameters."""
        given = {name: array.copy() for name, array in self.arrays.items()}
        returned = self.function(_filled(self.structure, given, ""))
        changed = [name for name, array in given.items() if not np.array_equal(array, self.arrays[name], True)]
        if changed:
            raise ValueError(
                f"function changes its parameter {changed[0]} in place: it must return the gradients and leave the "
                "update to its caller"
            )
        if not isinstance(returned, (tuple, list)) or len(returned) != 2:
            raise ValueError("function must return two things, the value and the gradients")
        value = np.asarray(returned[0])
        if value.size != 1 or value.dtype.kind not in "fciu":
            raise ValueError(f"function must return one number as its value, not an array of shape {value.shape}")
        return value.reshape(()), returned[1]


def _children(structure: Any) -> dict[str, Any] | None:
    """What a dict, list, tuple or dataclass holds, by name; None for anything else."""
    if isinstance(structure, Mapping):
        return {str(key): value for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        return {str(index): value for index, value in enumerate(structure)}
    if dataclasses.is_dataclass(structure) and not isinstance(structure, type):
        return {field.name: getattr(structure, field.name) for field in dataclasses.fields(structure) if field.init}
    return None


def _leaves(structure: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a structure that holds nothing itself, with its dotted name; "parameters" for a bare array."""
    children = _children(structure)
    if children is None:
        yield name or "parameters", structure
        return
    for key, child in children.items():
        yield from _leaves(child, f"{name}.{key}" if name else key)


def _filled(structure: Any, arrays: Mapping[str, Array], name: str) -> Any:
    """A structure of the same kind with these arrays for its leaves."""
    children = _children(structure)
    if children is None:
        return arrays[name or "parameters"]
    values = [_filled(child, arrays, f"{name}.{key}" if name else key) for key, child in children.items()]
    if isinstance(structure, Mapping):
        return dict(zip(structure, values, strict=True))
    if isinstance(structure, tuple):
        return type(structure)(*values) if hasattr(structure, "_fields") else tuple(values)
    if isinstance(structure, list):
        return values
    return dataclasses.replace(structure, **dict(zip(children, values, strict=True)))


def _by_name(gradients: Any, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The gradients under their parameters' names; one that is not there, or is None, is left out."""
    found = {name: leaf for name, leaf in _leaves(gradients) if leaf is not None}
    named = {name: [s.format(name) for s in _SPELLINGS if s.format(name) in found] for name in arrays}
    return {name: as_real(f"the gradient of {name}", found[keys[0]]) for name, keys in named.items() if keys}
