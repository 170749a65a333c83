"""The numbers a check is tried on: sizes that are all different, layouts of the input, and values for arguments."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from mlp.check.projection import random_source
from mlp.nn.arrays import Array
from mlp.user_code import vocabulary

# All different, so that a matrix of the wrong orientation cannot fit by chance.
BATCH, FEATURES, OUTPUTS, HIDDEN = 5, 4, 3, (6, 7)


class Layout(NamedTuple):
    """What the axes of an input are.

    Attributes:
        words: for people; orientation: the name in GRADCHECK.
        shape: of the input; batch: whether it holds several samples.
        integers: whether it is whole numbers, such as the ids of words.
    """

    words: str
    orientation: str
    shape: tuple[int, ...]
    batch: bool
    integers: bool = False

    @property
    def axes(self) -> list[str]:
        """What the axes are called, as far as the words say it."""
        return self.words.partition("(")[2].rstrip(")").split(", ")


LAYOUTS = (
    Layout("rows, (n, features)", "rows", (BATCH, FEATURES), True),
    Layout("columns, (features, n)", "columns", (FEATURES, BATCH), True),
    Layout("images, (n, channels, height, width)", "rows", (2, FEATURES, 6, 6), True),
    Layout("images, (n, height, width, channels)", "rows", (2, 6, 6, FEATURES), True),
    Layout("sequences, (n, time, features)", "rows", (2, BATCH, FEATURES), True),
    Layout("columns, (n, features, 1)", "rows", (BATCH, FEATURES, 1), True),
    Layout("sequences, (n, channels, length)", "rows", (2, FEATURES, 6), True),
    Layout("sequences, (features, n, time)", "columns", (FEATURES, 2, BATCH), True),
    Layout("one sample, (features,)", "single", (FEATURES,), False),
    Layout("one sample, (features, 1)", "single", (FEATURES, 1), False),
    Layout("one sample, (1, features)", "single", (1, FEATURES), False),
    Layout("one image, (channels, height, width)", "single", (FEATURES, 6, 6), False),
    Layout("one image, (height, width, channels)", "single", (6, 6, FEATURES), False),
    Layout("one image, (height, width)", "single", (6, 6), False),
    Layout("ids, (n,)", "rows", (BATCH,), True, integers=True),
    Layout("sequences of ids, (n, time)", "rows", (2, BATCH), True, integers=True),
)

ONE_ID = Layout("one id", "single", (), False, integers=True)


def layouts(orientation: str, size: int = FEATURES) -> Iterator[Layout]:
    """The layouts of one orientation, or all; with another size, those that have so many features or channels."""
    for layout in LAYOUTS:
        sized = tuple(size if axis == FEATURES else axis for axis in layout.shape)
        if orientation in ("", layout.orientation) and (size == FEATURES or (sized != layout.shape)):
            yield layout._replace(shape=layout.shape if layout.integers else sized)


def drawn(layout: Layout) -> Array:
    """A random input of a layout: standard normal numbers, or ids below FEATURES, each of which comes up."""
    if layout.integers:
        return np.resize(np.arange(FEATURES)[::-1], layout.shape).astype(np.float64)
    return normal(layout.shape)


def targets_for(y: Array) -> Iterator[Array]:
    """Targets for an output, of which nothing is known: numbers between 0 and 1, one hot or labels."""
    scores = normal(y.shape, seed=2)
    yield 1 / (1 + np.exp(-scores))
    for axis in range(y.ndim):
        yield (scores == scores.max(axis=axis, keepdims=True)).astype(np.float64)
    for axis in reversed(range(y.ndim)) if y.ndim == 2 else ():
        yield scores.argmax(axis=axis)


def normal(shape: tuple[int, ...], seed: int = 1) -> Array:
    """Standard normal numbers, the same in every run."""
    # They are drawn once: to make a generator takes a hundred times as long as a copy.
    drawn = _normal(tuple(shape) if isinstance(shape, list) else shape, seed)
    return drawn.copy() if isinstance(drawn, np.ndarray) else drawn  # a single number is a float


@lru_cache(maxsize=256)
def _normal(shape: tuple[int, ...], seed: int) -> Array:
    return random_source(seed).standard_normal(shape)


class Recorder:
    """An optimizer that takes a step of the whole gradient, so that the gradient is what a parameter lost.

    A dict of gradients that it is handed for a whole layer is kept there as `grads`; anything else it lets pass.
    """

    lr = learning_rate = 1.0

    def update(self, parameter: Any, gradient: Any, *_rest: Any) -> Any:
        """The parameter minus its gradient; of a list or dict of parameters, each of them in place."""
        if isinstance(parameter, list | tuple | dict):
            for key in parameter if isinstance(parameter, dict) else range(len(parameter)):
                parameter[key][...] -= gradient[key]
        elif isinstance(gradient, dict):
            parameter.grads = gradient
        else:
            return parameter - gradient
        return parameter

    def __getattr__(self, name: str) -> Any:
        """What optimizers of theirs have besides, such as `zero_grad` or `init_params`: it does nothing."""
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_arguments, **_named: None


class Sampler:
    """What draws for a loss, such as a set of words: each method gives an id, or as many as it is asked for."""

    def __getattr__(self, name: str) -> Any:
        """A method of any name."""
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *counts, **named: np.random.randint(OUTPUTS, size=next(iter((*counts, *named.values())), None))


class Conventions(NamedTuple):
    """One set of shapes that go together, for arguments that are arrays or shapes.

    Attributes:
        weight, bias, scale: shapes of a weight matrix, a bias, and of one number for each feature.
        input_shape: what a constructor's `input_shape` gets.
        hidden: the size of a recurrent cell's state, of which the weights may hold several side by side, as in an LSTM.
        paired: whether sizes of kernels and steps are pairs, and those of hidden layers the other of number and list.
        window: the size of a kernel; one of 2 goes on by 2, as in pooling without an overlap.
        unnamed: shape of an array whose name says nothing.
    """

    weight: tuple[int, ...]
    bias: tuple[int, ...]
    scale: tuple[int, ...]
    input_shape: Any
    hidden: int = OUTPUTS
    paired: bool = False
    window: int = 3
    padding: int = 0
    unnamed: tuple[int, ...] = (FEATURES,)

    @property
    def columns(self) -> bool:
        """Whether samples are columns: weights have as many rows as there are outputs."""
        return len(self.weight) == 2 and self.weight[0] != FEATURES


CONVENTIONS = (
    Conventions((FEATURES, OUTPUTS), (OUTPUTS,), (FEATURES,), (FEATURES,), unnamed=(FEATURES, OUTPUTS)),
    Conventions((OUTPUTS, FEATURES), (OUTPUTS, 1), (FEATURES, 1), FEATURES, unnamed=(OUTPUTS, FEATURES)),
    Conventions((OUTPUTS, FEATURES), (OUTPUTS,), (FEATURES,), (FEATURES, 6, 6)),
    Conventions((FEATURES, OUTPUTS), (1, OUTPUTS), (1, FEATURES), (BATCH, FEATURES), unnamed=(1, FEATURES)),
    Conventions((FEATURES, OUTPUTS), (OUTPUTS, 1), (FEATURES, 1), (6, 6, FEATURES), unnamed=(FEATURES, 1)),
    Conventions((OUTPUTS, FEATURES, 3, 3), (OUTPUTS,), (1, FEATURES, 1, 1), (6, 6), unnamed=(BATCH, FEATURES)),
    Conventions((FEATURES, 4 * OUTPUTS), (4 * OUTPUTS,), (FEATURES,), (FEATURES, 6), unnamed=()),
    Conventions((FEATURES, 3 * OUTPUTS), (3 * OUTPUTS,), (FEATURES,), (FEATURES,), unnamed=(BATCH, 1)),
    Conventions((3, 3, FEATURES, OUTPUTS), (1, 1, 1, OUTPUTS), (FEATURES,), (6, 6, FEATURES), unnamed=(BATCH,)),
    Conventions((OUTPUTS, OUTPUTS + FEATURES), (OUTPUTS, 1), (FEATURES, 1), FEATURES),  # of state and input together
    Conventions((OUTPUTS, FEATURES, 3, 3), (OUTPUTS, 1), (FEATURES,), (FEATURES, 6, 6)),
    Conventions((OUTPUTS, FEATURES, 3, 3), (OUTPUTS,), (FEATURES,), (FEATURES, 6, 6), padding=1),  # dx[pad:-pad]
)
# The same where what is called the shape of the input is that of a batch of images.
OF_BATCHES = tuple(
    one._replace(input_shape=(2, *one.input_shape)) for one in CONVENTIONS if np.size(one.input_shape) == 3
)


def array_for(role: str, conventions: Conventions, seed: int | None = None) -> Array | None:
    """A value for an argument that is an array of this role."""
    weight, hidden = conventions.weight, conventions.hidden
    shapes = {
        "weight": weight,
        "bias": conventions.bias,
        "scale": conventions.scale,
        "recurrent": (weight[0], hidden) if conventions.columns else (hidden, weight[-1]),
    }
    return normal(shapes[role], len(role) if seed is None else seed) if role in shapes else None


def argument(name: str, x_shape: tuple[int, ...], conventions: Conventions | None, count: int) -> Any:
    """A value for an argument of a function beside x; None for a name that says nothing.

    Without conventions every array has the shape of x. `count` tells arrays of the same role apart.
    """
    for role in vocabulary.roles(name):
        array = array_for(role, conventions or CONVENTIONS[0], count + 3)
        if array is not None:
            return array if conventions else normal(x_shape, seed=count + 3)
        if role == "state":
            shape = x_shape
            if conventions and x_shape:
                hidden, is_turned = conventions.hidden, conventions.columns and len(x_shape) > 1
                shape = (hidden, x_shape[1]) if is_turned else (x_shape[0], hidden)
            return normal(shape, seed=count + 3)
        if role in NUMBERS:
            return conventions.padding if conventions and role == "padding" else PLAIN[role][0]
    return SETTINGS.get(name)


def sizes(count: int, conventions: Conventions) -> tuple[int, ...]:
    """So many sizes that go together: of an image, of the kernels of a convolution, or inputs and outputs."""
    if count == 4:
        return conventions.weight if len(conventions.weight) == 4 else (3, 3, FEATURES, OUTPUTS)
    image = conventions.input_shape if np.size(conventions.input_shape) == 3 else (FEATURES, 6, 6)
    return tuple(image) if count == 3 else (FEATURES, OUTPUTS)


def is_tensor(value: Any) -> bool:
    """Whether a value is an array of floating-point numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


# Arguments of constructors; an argument of the same role a second time takes the next value.
PLAIN: dict[str, tuple[Any, ...]] = {
    "in_size": (FEATURES,),
    "out_size": (OUTPUTS, 2),
    "hidden": HIDDEN,
    "features": (FEATURES, OUTPUTS),
    "batch": (BATCH,),
    "length": (BATCH,),
    "heads": (2,),  # among which the features are divided
    "kernel_size": (3,),
    "stride": (1,),
    "padding": (0,),
    "probability": (0.4,),  # not a half, of which the rest is a half too
    "rate": (1.0,),
    "tiny": (1e-5,),
    "fraction": (0.1,),
    "penalty": (0.0,),  # what is added to the loss elsewhere has no part in forward
    "seed": (0,),
    "sizes": ([FEATURES, HIDDEN[0], OUTPUTS],),
    "hidden_sizes": (list(HIDDEN),),
    "training": (True,),
    "horizon": (20,),  # further than any sequence here
}

# The roles of arguments of functions that are plain numbers.
NUMBERS = ("probability", "stride", "padding", "kernel_size", "tiny", "fraction", "seed")
SIZES = ("in_size", "hidden", "out_size", "sizes")

# Names of settings of functions that no role has.
SETTINGS: dict[str, Any] = {"activation": "relu", "G": 2, "groups": 2, "dataset": Sampler()}
_CHOICES = ("tanh", "train", "sigmoid", "relu", "max")  # of what a setting is compared with, the likeliest first


def chosen(choices: list[str], otherwise: Any) -> Any:
    """The value of a setting that is compared with these texts; without any, otherwise."""
    return next((one for word in (*_CHOICES, "") for one in choices if word in ("", one.lower())), otherwise)
