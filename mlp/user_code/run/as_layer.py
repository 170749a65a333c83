"""A Foreign is something of theirs as one of our layers: it has parameters, applies, and goes backward."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss, Scalar
from mlp.user_code.messages import Fact, problem
from mlp.user_code.run import pairing
from mlp.user_code.run.pairing import INPUT, Pair
from mlp.user_code.run.subject import Run, Subject

Reduction = Callable[[Array], Array]
REDUCTIONS: dict[str, Reduction] = {"value": np.sum, "mean": np.mean}


def adapt(
    subject: Subject,
    pairs: Mapping[str, Pair],
    reduction: str = "",
    parameter_scale: float = 1.0,
    values: Mapping[str, Array] | None = None,
) -> "Foreign":
    """A Foreign in a class of its own, named as theirs, so that whatever names the layer's class says their name."""
    cls: type[Foreign] = type(subject.name, (Foreign,), {})
    return cls(subject, pairs, reduction, parameter_scale, values)


class Foreign(Layer):
    """Their layer, loss or function pair behind the interface of `Layer`.

    Every run works on a deep copy of theirs with the parameter values that stand here, so nothing of theirs is ever
    changed. All arithmetic is done in float64, except what their code itself converts.

    Attributes:
        name: of their class or function.
        pairs: which of their arrays is which gradient.
        parameter_scale: what their parameters' gradients are multiplied by.
    """

    def __init__(
        self,
        subject: Subject,
        pairs: Mapping[str, Pair],
        reduction: str = "",
        parameter_scale: float = 1.0,
        values: Mapping[str, Array] | None = None,
    ) -> None:
        """Adapt a subject.

        Args:
            subject: runs their code.
            pairs: the gradient of each tensor; those whose shape does not fit are left out of the check.
            reduction: for a loss, how its output becomes one number, a key of REDUCTIONS; "" for a layer.
            parameter_scale: what their parameters' gradients are multiplied by: the size of the batch where they are
                averages over it.
            values: of the parameters, in place of those that the subject holds.
        """
        self.name = subject.name
        self.pairs = dict(pairs)
        self.facts: list[Fact] = []
        self._subject = subject
        self._reduction = reduction
        self.parameter_scale = parameter_scale
        held = {name: value for name, (_, value) in subject.tensors().items()} | dict(values or {})
        self._values = {name: held[name] for name, pair in pairs.items() if name != INPUT and pair.fits}
        self._hidden = {name: value for name, value in (values or {}).items() if name not in self._values}
        self._run: Run | None = None  # until it has gone backward, which may clear what forward kept
        self._at: ArrayLike | None = None
        self._gradients: dict[str, Array] = {}

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """A copy with arrays of its own. Their code is shared: it only ever runs on copies, and may hold anything."""
        return self._with(_values={name: value.copy() for name, value in self._values.items()})

    def _with(self, **held: Any) -> Self:
        twin = copy.copy(self)
        vars(twin).update(held)
        return twin

    @property
    def checks_input(self) -> bool:
        """Whether a gradient of the input was found, in the input's shape."""
        return INPUT in self.pairs and self.pairs[INPUT].fits

    @property
    def is_model(self) -> bool:
        """Whether it is a model of parameters alone, whose input is given."""
        return not self._subject.has_dx and bool(self._values)

    @property
    def has_own_dy(self) -> bool:
        """Whether its value is a single number, and backward begins with a gradient of 1 by it, whatever dy is."""
        return bool(self._reduction)

    def parameters(self) -> dict[str, Array]:
        """The parameters whose gradients were found."""
        return dict(self._values)

    def gradients(self) -> dict[str, Array]:
        """The gradients of the last backward."""
        return dict(self._gradients)

    def replaced(self, name: str, value: Array) -> Self:
        """A copy that has `value` as its parameter `name`."""
        return self._with(_values={**self._values, name: value})

    def paired(self, pairs: Mapping[str, Pair]) -> Self:
        """A copy in which other arrays are taken for the gradients of the same tensors."""
        return self._with(pairs=dict(pairs))

    def apply(self, x: ArrayLike) -> Array:
        """Run their forward."""
        return self._reduced(self._started(x).y)

    def forward(self, x: ArrayLike) -> Array:
        """Run their forward and keep the run for backward."""
        self._run, self._at = self._started(x), x
        self.facts = self._run.facts
        return self._reduced(self._run.y)

    def backward(self, dy: ArrayLike) -> Array:
        """Run their backward; without a gradient of the input the result is 0, and `checks_input` says so.

        Raises:
            RuntimeError: there was no forward yet.
            ForeignError: their code raised, or a gradient is gone or of another shape than when it was found.
        """
        if self._at is None:
            raise RuntimeError("call forward() first: there is nothing to go on yet")
        run, self._run = self._run or self._started(self._at), None
        self.facts = run.facts
        dy = np.asarray(dy, dtype=np.float64)
        scale = float(dy.sum()) if self._reduction else 1.0
        upstream = np.ones(()) if self._reduction else dy.reshape(run.y.shape)
        found = {source.key: source.array for source in run.backward(upstream)}
        self._gradients = {
            name: scale * self.parameter_scale * self._picked(found, name, value.shape)
            for name, value in self._values.items()
        }
        if not self.checks_input:
            return np.zeros(self._x_shape)
        return scale * self._picked(found, INPUT, self._x_shape)

    def as_loss(self) -> "ForeignLoss | None":
        """Theirs as a loss of a prediction and the target that it was given; None if it is no loss, or has parameters.

        The target is then the attribute `target` of what is returned.
        """
        is_loss = self._reduction and isinstance(self._subject.target, np.ndarray) and not self._values
        return ForeignLoss(self, self._subject.target) if is_loss else None

    def with_target(self, target: Array) -> Self:
        """A copy that is given another target."""
        subject = copy.copy(self._subject)
        subject.target = target
        return self._with(_subject=subject)

    def _started(self, x: ArrayLike) -> Run:
        x = np.asarray(x)
        self._x_shape = x.shape
        return self._subject.run(x, {**self._hidden, **self._values})

    def _reduced(self, y: Array) -> Array:
        """The output, a single number as a vector of one: our layers have at least one axis."""
        return np.atleast_1d(REDUCTIONS[self._reduction](y) if self._reduction else y)

    def _picked(self, found: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Array:
        pair = self.pairs[name]
        if pair.gradient not in found and pair.is_step:
            return np.zeros(shape)  # backward left the parameter as it was
        if pair.gradient not in found:
            raise problem(f"the gradient of {name}, {pair.gradient}, was there in a first run and is gone in a second")
        if found[pair.gradient].size != int(np.prod(shape)):
            raise problem(f"the gradient of {name}, {pair.gradient}, has another size than {name}")
        return pairing.as_shaped(found[pair.gradient], shape)


class ForeignLoss(Loss):
    """A loss of theirs behind the interface of `Loss`: it takes a target of the kind that it was found with.

    Attributes:
        target: that target.
    """

    def __init__(self, inner: Foreign, target: Array) -> None:
        super().__init__()
        self.inner, self.target = inner, target

    def as_target(self, target: ArrayLike, y: Array) -> Array:
        """The target as it is, or classes as probabilities in the shape of y."""
        given = np.asarray(target)
        is_class = given.dtype.kind in "iu" and given.shape == y.shape[:-1]
        return np.eye(y.shape[-1])[given] if is_class else given

    def apply(self, y: ArrayLike, target: ArrayLike) -> Scalar:
        """Run their forward."""
        value: Scalar = self._given(target).apply(y)[0]
        return value

    def forward(self, y: ArrayLike, target: ArrayLike) -> Scalar:
        """Run their forward and then their backward."""
        run = self._given(target)
        value: Scalar = run.forward(y)[0]
        self._gradient = run.backward(np.ones(1))
        return value

    def _given(self, target: ArrayLike) -> Foreign:
        given = np.asarray(target)
        as_classes = self.target.dtype.kind in "iu" and given.ndim > self.target.ndim
        return self.inner.with_target(given.argmax(axis=-1) if as_classes else given)
