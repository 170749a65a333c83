"""A whole model as one layer: any function from a structure of parameters to its value and their gradients.

The layer computes y = x c(parameters) for a number x, which is 1. So the value and its gradients pass through the very
check that every other layer does, and dy and dx have a meaning too: dx = c dy, and the gradient of W is x dy dc/dW.

Where there are more entries than the time allows, some are drawn at random; they alone are the layer's parameters, as
vectors, and the report names what was not looked at.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.check import check_gradients
from mlp.check.diagnosis.sentences import named
from mlp.check.passes import Remark, RemarkKind
from mlp.check.projection import Projection
from mlp.check.report import Certainty, Finding, GradientReport
from mlp.check.structures import by_name, filled, leaves
from mlp.check.tensor import TensorCheck
from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.nn.arrays import Array, as_real, is_number, require_function, require_size, shown
from mlp.nn.layers import Layer

_TELLING, _MOST_CALLS = 0.05, 50
ModelFunction = Callable[[Any], tuple[Any, Any]]

# A gradient that is off by a multiple of so many numbers, to so many digits, is so by no chance.
_TELLING_ENTRIES, _SAME = 3, 1e-5


def check_model(
    function: ModelFunction,
    parameters: Any,
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
    seconds: float = 20.0,
    entries: int | None = None,
) -> GradientReport:
    """Check the gradients that a function returns beside its value, for every parameter.

    Args:
        function: takes parameters of this structure, always fresh copies, and returns the value, one real number, and
            the gradients: in the same structure, or in a dict by the parameters' names ("W1", "dW1", "grad_W1"). In
            their place it may return a function without arguments that computes them, which is called only where they
            are looked at: for the differences the value is enough.
        parameters: an array, or a dict, list, tuple or dataclass of such structures, and of text, switches and None,
            which are handed on. Their names in the report are the keys, indices and fields on the way to them, joined
            by dots: "W1", "layers.0.W".
        eps: the step of the numerical gradients, positive.
        method: a method or the name of one in METHODS.
        seconds: roughly the processor time that the differences may take. Where all entries would take longer, as many
            as fit are drawn at random, at least one of each parameter.
        entries: so many are drawn at random instead, whatever the time.

    Returns:
        A report with one check for each parameter. A gradient that is missing, or has another shape, is a fault. The
        check of a parameter of which entries were drawn is that of the vector of these, and a remark tells how many.

    Raises:
        ValueError: the parameters are empty, the function does not return a number and gradients, it changes its
            parameters in place, or returns another value each time.
        TypeError: a parameter is no array of real numbers.
    """
    require_function("function", function)
    if not is_number(seconds) or not 0 <= seconds < np.inf:
        raise ValueError(f"seconds must be a finite number from 0, not {shown(seconds)}")
    if entries is not None:
        require_size("entries", entries)
    arrays = {name: as_real(name, leaf) for name, leaf in leaves(parameters)}
    if not arrays:
        raise ValueError("parameters holds no array: give a dict, list, tuple or dataclass of arrays")
    name = getattr(function, "__name__", "")
    cls: type[Model] = type(name, (Model,), {}) if name.isidentifier() else Model  # whatever names a layer says this
    model = cls(function, parameters, arrays, {})
    if not np.array_equal(model.apply([1.0]), model.apply([1.0]), equal_nan=True):
        raise ValueError("function returns another value each time: seed what is random in it, and keep no state")
    model = model.drawn(_affordable(model, as_method(method), seconds) if entries is None else entries)
    report = check_gradients(model, Projection(), [1.0], [1.0], eps, method)
    checks = {name: check for name, check in report.items() if name in arrays}
    remarks = (*model.faults(), *model.limits(checks), *report.remarks)
    return dataclasses.replace(report, checks=checks, remarks=remarks, diagnose=_Diagnosis(report, model))


@dataclasses.dataclass(frozen=True)
class _Diagnosis:
    """The penalties that are missing, else the findings of the model as a layer.

    Not that its layers are put together wrongly, since it has but one.
    """

    of_layer: GradientReport
    model: "Model"

    def __call__(self, _: GradientReport) -> tuple[Finding, ...]:
        penalties = [found for name, array in self.model.arrays.items() for found in self._penalty(name, array)]
        if len(penalties) == sum(not self.of_layer[name].passed for name in self.model.arrays):
            return tuple(penalties)
        told = {name for finding in penalties for name in finding.tensors}
        others = [finding for finding in self.of_layer.diagnosis if finding.tensors and not told & set(finding.tensors)]
        return (*penalties, *others)

    def _penalty(self, name: str, array: Array) -> Iterator[Finding]:
        """That a gradient is off by a multiple of its parameter, as that of a penalty c sum(W**2) / 2 is."""
        check = self.of_layer[name]
        if check.passed or array.size < _TELLING_ENTRIES or not np.any(array):
            return
        factor, fits = _multiple(check.difference, array, check.error_bar)
        if not fits or _multiple(check.numerical, array, check.error_bar)[1]:  # then it may as well be a factor
            return
        p = named(name)
        what = f"{abs(factor):.6g} times {p} is {'missing' if factor < 0 else 'too much'}"
        sentence = (
            f"{type(self.model).__name__}: d{p} is right but for one term: {what}. The gradient of a penalty "
            f"reg * sum({p}**2) is 2 * reg * {p}, and has to be in d{p} just as the penalty is in the value."
        )
        yield Finding("", (f"d{p}",), "penalty", what, Certainty.CERTAIN, sentence, self.model.right_line(name))


def _multiple(gradient: Array, array: Array, error_bar: Array) -> tuple[float, bool]:
    """The factor by which a gradient comes closest to a multiple of an array, and whether it is one."""
    factor = float(np.vdot(array, gradient) / np.vdot(array, array))
    return factor, bool(np.all(np.abs(gradient - factor * array) <= error_bar + _SAME * np.abs(factor * array)))


def seconds_of(call: Callable[[], Any]) -> float:
    """The processor seconds of a call, which is repeated until they can be told: the clock may tick slowly."""
    start, spent, count = time.process_time(), 0.0, 0
    while spent < _TELLING and count < _MOST_CALLS:
        call()
        spent, count = time.process_time() - start, count + 1
    return max(spent / count, 1e-6)


def _affordable(model: "Model", method: Method, seconds: float) -> int:
    """How many entries can be moved within this time, at as many calls each as two or three steps take."""
    call = seconds_of(lambda: model.apply([1.0]))
    return int(seconds / (call * len(method.offsets) * (3 if method.is_complex else 2)))


class Model(Layer):
    """The layer y = x c(parameters), of x with shape (1,).

    Attributes:
        whole: the parameters by their dotted names.
        places: for a parameter of which entries were drawn, their flat indices, in order.
        arrays: what is moved: a parameter itself, or the vector of its drawn entries.
        has_no_input: that x is but a factor.
    """

    has_no_input = True

    def __init__(
        self,
        function: ModelFunction,
        structure: Any,
        whole: dict[str, Array],
        places: dict[str, Array],
        arrays: dict[str, Array] | None = None,
    ) -> None:
        self.function, self.structure, self.whole, self.places = function, structure, whole, places
        self.arrays = {name: self._picked(name, array) for name, array in whole.items()} if arrays is None else arrays
        self.kept: tuple[Array, Array, dict[str, Array]] | None = None
        self.grads: dict[str, Array] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> "Model":
        """Copy the parameters alone: the function is the caller's, and gets copies at each call."""
        return self._with({name: array.copy() for name, array in self.arrays.items()})

    def parameters(self) -> dict[str, Array]:
        """The arrays by their dotted names."""
        return dict(self.arrays)

    def gradients(self) -> dict[str, Array]:
        """Those of the last backward that fit their parameters."""
        return dict(self.grads)

    def replaced(self, name: str, value: Array) -> "Model":
        """Return a copy with another array of this name."""
        return self._with(self.arrays | {name: value})

    def _with(self, arrays: dict[str, Array]) -> "Model":
        return type(self)(self.function, self.structure, self.whole, self.places, arrays)

    def drawn(self, count: int) -> "Model":
        """The model with `count` of its entries, about as many of each parameter, but one of each at least."""
        sizes = {name: array.size for name, array in self.whole.items()}
        if count >= sum(sizes.values()):
            return self
        rng, places = np.random.RandomState(0), {}
        for i, name in enumerate(sorted(sizes, key=lambda name: sizes[name])):  # what a small one leaves goes to others
            share = max(1, min(sizes[name], count // (len(sizes) - i)))
            count -= share
            if share < sizes[name]:
                places[name] = np.sort(rng.choice(sizes[name], share, replace=False))
        return type(self)(self.function, self.structure, self.whole, places)

    def limits(self, checks: Mapping[str, TensorCheck]) -> Iterator[Remark]:
        """What was not looked at, and where the worst of the drawn entries stands."""
        for name, places in self.places.items():
            (worst,), shape, size = checks[name].worst, self.whole[name].shape, self.whole[name].size
            index = [int(i) for i in np.unravel_index(places[worst], shape)]
            yield Remark(
                RemarkKind.DRAWN,
                "",
                f"{name}: {places.size:,} of {size:,} entries were looked at, drawn at random, here as a vector, whose "
                f"worst entry [{worst}] is {name}{index}. Nothing is known of the others; more seconds reach more.",
            )

    def _picked(self, name: str, array: Array) -> Array:
        return array.ravel()[self.places[name]] if name in self.places else array

    def _completed(self) -> dict[str, Array]:
        """The whole parameters, as copies, with what was moved."""
        whole = {}
        for name, array in self.arrays.items():
            whole[name] = array.copy() if name not in self.places else self.whole[name].astype(array.dtype, order="C")
            if name in self.places:
                whole[name].reshape(-1)[self.places[name]] = array
        return whole

    def apply(self, x: ArrayLike) -> Array:
        """Compute x c, shape (1,)."""
        return np.asarray(x) * self._call(gradients=False)[0]

    def forward(self, x: ArrayLike) -> Array:
        """Compute x c, and keep what the function returned."""
        value, returned = self._call()
        gradients = by_name(returned, self.arrays)
        fitting = [name for name, gradient in gradients.items() if gradient.shape == self.whole[name].shape]
        self.kept = np.array(x), value, {name: self._picked(name, gradients[name]) for name in fitting}
        return self.kept[0] * value

    def backward(self, dy: ArrayLike) -> Array:
        """Return dx = c dy, and keep x dy times the gradients."""
        if self.kept is None:
            raise RuntimeError("call forward() first: there is nothing to go on yet")
        x, value, gradients = self.kept
        self.grads = {name: x[0] * np.asarray(dy)[0] * gradient for name, gradient in gradients.items()}
        return np.asarray(dy) * value

    def right_line(self, name: str) -> str:
        """What a gradient must be, in words."""
        return f"d{named(name)} = the derivative of the value that function returns by {named(name)}"

    def faults(self) -> Iterator[Remark]:
        """What can be said of the gradients without comparing them: one is missing, or has another shape."""
        gradients = by_name(self._call()[1], self.whole)
        for name, array in self.whole.items():
            if name not in gradients:
                yield Remark(RemarkKind.MISSING, "", f"function returns no gradient of {name}.")
            elif gradients[name].shape != array.shape:
                shapes = f"the shape {gradients[name].shape}, but {name} has the shape {array.shape}"
                why = "; it is one number, so a sum ran over too many axes" if gradients[name].size == 1 else ""
                yield Remark(RemarkKind.WRONG_SHAPE, "", f"function returns a gradient of {name} with {shapes}{why}.")

    def _call(self, gradients: bool = True) -> tuple[Array, Any]:
        """The value, a number, and if they are asked for the gradients, at copies of the parameters."""
        given, before = self._completed(), self._completed()
        returned = self.function(filled(self.structure, given, ""))
        if not isinstance(returned, (tuple, list)) or len(returned) != 2:
            raise ValueError("function must return two things, the value and the gradients")
        found = returned[1]() if gradients and callable(returned[1]) else returned[1]
        changed = [name for name, array in given.items() if not np.array_equal(array, before[name], True)]
        if changed:
            raise ValueError(
                f"function changes its parameter {changed[0]} in place: it must return the gradients and leave the "
                "update to its caller"
            )
        if isinstance(returned[0], Mapping) or dataclasses.is_dataclass(returned[0]):
            raise ValueError("function must return the value first and the gradients second")
        value = np.asarray(returned[0])
        if value.size != 1 or value.dtype.kind not in "fciu":
            raise ValueError(f"function must return one number as its value, not an array of shape {value.shape}")
        return value.reshape(()), found
