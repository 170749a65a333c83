"""A layer maps x to y, remembers what backward needs, and turns dy into dx and its parameters' gradients."""

import copy
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import (
    Array,
    as_numbers,
    as_real,
    require_elements,
    require_features,
    require_function,
    require_shape,
    require_size,
)
from mlp.nn.changes import Change, Columns, Moved, as_matrix, forget_inherited
from mlp.nn.functional import linear_backward, linear_forward
from mlp.nn.initialisations import Initialisation, RandomSource, standard_normal
from mlp.nn.products import rank_one, stacked_product


class Layer:
    """What every layer offers.

    A subclass writes `apply`, `forward` and `backward`, and names its parameters in `parameter_names`; the gradient
    of the parameter `W` stands in the attribute `grad_W`.

    The last five methods say what a change of the input or of a parameter does to the output, for numerical
    derivatives of many entries at once. They are all derived from `apply`, so a new layer need not write them; one
    that knows better, because only a part of its output moves, makes these derivatives faster. They are about
    forward arithmetic alone. A subclass that rewrites `apply` starts from these defaults again.
    """

    parameter_names: ClassVar[tuple[str, ...]] = ()
    kinks: ClassVar[tuple[float, ...]] = ()
    """The inputs at which the layer, an element-wise function, has a corner."""
    samples_apart: ClassVar[bool] = False
    """Whether each sample of a batch has its own output, whatever the others are."""

    def __init_subclass__(cls) -> None:
        """Forget what an ancestor knew about an `apply` that this class rewrites."""
        super().__init_subclass__()
        known = ("chain", "samples_apart", "apply_stack", "apply_columns", "apply_parameter", "multiplications")
        forget_inherited(cls, Layer, "apply", known)

    def apply(self, x: ArrayLike) -> Array:
        """Compute y from x and keep nothing. Real or complex; one sample (features,) or a batch (n, features)."""
        raise NotImplementedError

    def forward(self, x: ArrayLike) -> Array:
        """Compute y from a real x, and keep what `backward` needs."""
        raise NotImplementedError

    def backward(self, dy: ArrayLike) -> Array:
        """Return dx for this dy, both of the last forward's shapes, and set the parameters' gradients.

        A gradient is that of this one backward pass: nothing is accumulated, nothing is updated.

        Raises:
            RuntimeError: there was no forward yet.
            ValueError: dy has another shape than the forward's y.
        """
        raise NotImplementedError

    def parameters(self) -> dict[str, Array]:
        """The parameters by name: the arrays themselves, not copies."""
        return {name: getattr(self, name) for name in self.parameter_names}

    def gradients(self) -> dict[str, Array]:
        """The gradients of the last backward, under the parameters' names.

        Raises:
            RuntimeError: there was no backward yet.
        """
        return {name: _present(getattr(self, f"grad_{name}"), "backward") for name in self.parameter_names}

    def replaced(self, name: str, value: Array) -> Self:
        """Return a copy that has `value` as its parameter `name` and shares all the rest.

        This is how a parameter is varied without touching the network that others may be using.
        """
        if name not in self.parameter_names:
            known = ", ".join(self.parameter_names) or "none"
            raise KeyError(f"{type(self).__name__} has no parameter {name!r}; it has: {known}")
        twin = copy.copy(self)
        setattr(twin, name, value)
        return twin

    def chain(self) -> dict[str, "Layer"]:
        """The layers that `apply` runs one after the other, by the prefix of their parameters' names."""
        return {"": self}

    def apply_stack(self, xs: Array) -> Array:
        """Apply to each of a stack of inputs: from (*x.shape, k) to (*y.shape, k). The default takes them singly."""
        return np.stack([self.apply(xs[..., k]) for k in range(xs.shape[-1])], axis=-1)

    def apply_columns(self, change: Columns, x: Array, y: Array) -> Change:  # noqa: ARG002  # y serves subclasses
        """Apply to inputs that differ from x in one feature each, knowing y = apply(x).

        The default writes the inputs out in full.
        """
        return self.apply_stack(change.filled(x))

    def apply_parameter(self, name: str, moved: Moved, x: Array, y: Array) -> Change:  # noqa: ARG002
        """Apply to x with entries of the parameter `name` moved one at a time, knowing y = apply(x).

        The default evaluates the layer anew for each value of each entry.
        """
        parameter = np.asarray(self.parameters()[name])
        ys = []
        for i, j, o in np.ndindex(moved.values.shape):
            varied = np.array(parameter, dtype=moved.values.dtype, order="C")
            as_matrix(varied)[moved.rows.start + i, moved.columns.start + j] = moved.values[i, j, o]
            ys.append(self.replaced(name, varied).apply(x))
        return np.stack(ys, axis=-1)

    def multiplications(self, x: Array) -> int:
        """Roughly how many multiplications `apply(x)` takes; the default counts one for each element."""
        return x.size


class Linear(Layer):
    """The linear layer y = W x + b.

    Attributes:
        W: weight matrix of shape (out_features, in_features); b: bias of shape (out_features,).
        grad_W, grad_b: their gradients after `backward`, before it None.
    """

    parameter_names = ("W", "b")
    samples_apart = True

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rng: RandomSource | None = None,
        initialisation: Initialisation = standard_normal,
    ) -> None:
        """Draw W, then b.

        Args:
            in_features: number of inputs, at least 1.
            out_features: number of outputs, at least 1.
            rng: a np.random.RandomState or Generator; None for numpy's global stream, so that after
                `np.random.seed(3)` this layer holds the numbers that the exercise's holds.
            initialisation: draws both from rng.

        Raises:
            TypeError, ValueError: a size is no whole number of at least 1, or rng or initialisation no such thing.
        """
        require_size("in_features", in_features)
        require_size("out_features", out_features)
        require_function("initialisation", initialisation)
        self.W, self.b = initialisation(rng if rng is not None else np.random, in_features, out_features)
        self.grad_W: Array | None = None
        self.grad_b: Array | None = None
        self._x: Array | None = None

    def apply(self, x: ArrayLike) -> Array:
        """Compute W x + b, shape (out_features,) or (n, out_features)."""
        return linear_forward(x, self.W, self.b)

    def forward(self, x: ArrayLike) -> Array:
        """Compute W x + b and keep a copy of x."""
        x = as_real("x", x)
        require_features("x", x, self.W.shape[1])
        self._x = x.copy()  # a copy, so that a caller who reuses x as a buffer cannot spoil backward
        return self.apply(x)

    def backward(self, dy: ArrayLike) -> Array:
        """Return dx and set grad_W and grad_b."""
        dx, self.grad_W, self.grad_b = linear_backward(dy, _present(self._x, "forward"), self.W, self.b)
        return dx

    def apply_stack(self, xs: Array) -> Array:
        """One matrix product for each sample of the batch."""
        return np.add(stacked_product(self.W, xs), self.b[:, None], order="C")

    def apply_columns(self, change: Columns, x: Array, y: Array) -> Array:
        """A rank-one change: if x_c moves by d, y moves by column c of W times d."""
        delta = change.values - x[..., change.features, None]
        return rank_one(y, self.W[:, change.features], delta)

    def apply_parameter(self, name: str, moved: Moved, x: Array, y: Array) -> Columns:
        """Row i of W or b moves feature i of y alone, by the step, for W[i, j] times x_j."""
        delta = moved.steps * x[..., None, moved.columns, None] if name == "W" else moved.steps
        values = delta + y[..., moved.rows, None, None]
        return Columns(moved.rows, values.reshape(*values.shape[:-2], -1))

    def multiplications(self, x: Array) -> int:
        """One for each weight and sample."""
        return x.size * self.W.shape[0]


class Activation(Layer):
    """A function applied to each element of an array of any rank by itself: y_i = f(x_i), so dx_i = f'(x_i) dy_i.

    A subclass writes the two static methods `function` (real or complex arrays) and `derivative` (real arrays), and
    both as LaTeX in `formula` and `derivative_formula`.
    """

    formula: ClassVar[str]
    derivative_formula: ClassVar[str]
    samples_apart = True

    def __init__(self) -> None:
        self._slope: Array | None = None

    @staticmethod
    def function(x: Array) -> Array:
        """f, element by element."""
        raise NotImplementedError

    @staticmethod
    def derivative(x: Array) -> Array:
        """f', element by element; at a kink one of the one-sided derivatives."""
        raise NotImplementedError

    def apply(self, x: ArrayLike) -> Array:
        """Compute f(x), in the shape of x."""
        x = as_numbers("x", x)
        require_elements("x", x)
        return self.function(x)

    def forward(self, x: ArrayLike) -> Array:
        """Compute f(x), and f'(x) for backward at once: nothing that could be changed behind our back is kept."""
        x = as_real("x", x)
        y = self.apply(x)
        self._slope = self.derivative(x)
        return y

    def backward(self, dy: ArrayLike) -> Array:
        """Return dx = f'(x) dy."""
        slope = _present(self._slope, "forward")
        dy = as_real("dy", dy)
        require_shape("dy", dy, slope.shape)
        return dy * slope

    def apply_stack(self, xs: Array) -> Array:
        """The function takes arrays of any shape."""
        return self.function(xs)

    def apply_columns(self, change: Columns, x: Array, y: Array) -> Columns:  # noqa: ARG002
        """What changed in one feature stays in that feature."""
        return Columns(change.features, self.function(change.values))


def _present(value: Array | None, step: str) -> Array:
    if value is None:
        raise RuntimeError(f"call {step}() first: there is nothing to go on yet")
    return value
