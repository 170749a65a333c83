"""Parameters, inputs and targets to try a whole model of functions on."""

import inspect
import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.models import Parts
from mlp.user_code.interpret.samples import BATCH, FEATURES, HIDDEN, OUTPUTS
from mlp.user_code.messages import ForeignError, told
from mlp.user_code.run import calls, object_arrays, sources
from mlp.user_code.settings import Override, written

IDS = np.resize(np.arange(FEATURES), BATCH)
"""A sequence of whole numbers, as of letters."""


class Made(NamedTuple):
    """Parameters, in words where they come from, and for how many outputs, 0 where that is not known."""

    words: str
    parameters: Any
    outputs: int = 0


def parameters(parts: Parts, override: Override, thing: Any = None) -> Iterator[Made]:
    """A thing as it is; else what GRADCHECK says, what their own function makes, or weights in the usual shapes."""
    if thing is not None:
        yield Made("as they were made", _small(thing) if _clips(parts, thing) else thing)
        return
    if isinstance(override.parameters, dict):
        drawn = {name: samples.normal(shape, 3 + i) for i, (name, shape) in enumerate(override.parameters.items())}
        yield Made("as given", drawn)
        return
    for outputs in (OUTPUTS, 1):
        for maker in parts.makers:
            yield from _made(maker, outputs, override, _small if _clips(parts) else _moved)
        if not override.parameters:
            yield from _guessed(parts.keys, outputs)


def _clips(parts: Parts, thing: Any = None) -> bool:
    """Whether gradients are clipped where they are large: then they are kept small."""
    functions = [getattr(thing, one) if isinstance(one, str) else one for one in (parts.loss, parts.backward) if one]
    return any("clip" in calls.global_names(inspect.unwrap(one)) for one in functions)


def _made(maker: Callable[..., Any], outputs: int, override: Override, moved: Callable[[Any], Any]) -> Iterator[Made]:
    """The parameters of their function, moved away from zeros, with sizes that are all different."""
    given = dict(override.args) or sizes_for(maker, outputs)
    try:
        with told(maker.__name__, maker):
            held = maker(**given)
    except ForeignError:
        return
    if isinstance(held, tuple):
        names = sources.returned_names(maker, len(held))
        held = dict(zip(names, held, strict=True)) if all(isinstance(name, str) for name in names) else held
    shown = ", ".join(f"{name}={written(value)}" for name, value in given.items())
    if object_arrays.arrays([held]):
        yield Made(f"{maker.__name__}({shown})", moved(held), outputs)


def sizes_for(maker: Callable[..., Any], outputs: int) -> dict[str, Any]:
    """The arguments of a function that makes parameters: a list of all sizes, or one size each."""
    wanted = calls.required(calls.parameters_of(maker))
    sizes = [FEATURES, *HIDDEN[: len(wanted) - 2 if len(wanted) > 1 else None], outputs]
    if len(wanted) == 1:
        return {wanted[0].name: calls.setting(wanted[0].name, maker) or sizes}
    sizes = [FEATURES, outputs] if len(wanted) == 2 else sizes
    return {one.name: size for one, size in zip(wanted, sizes, strict=False)}


def _small(structure: Any) -> Any:
    """As `_moved`, with numbers so small that no gradient is clipped."""
    return _moved(structure, 0.0, 0.1)


def _moved(structure: Any, keep: float = 1.0, size: float = 0.5) -> Any:
    """A copy in double precision with a random number added to every entry: at zeros many mistakes cannot show."""
    holder = [object_arrays.in_double_precision(structure)]
    for i, (path, array) in enumerate(object_arrays.arrays(holder).items()):
        if array.dtype.kind == "f":
            object_arrays.put(holder, path, keep * array + size * samples.normal(array.shape, 3 + i))
    return holder[0]


def _guessed(keys: tuple[str, ...], outputs: int) -> Iterator[Made]:
    """Weights and biases of these names, for columns and for rows."""
    layers = list(dict.fromkeys(re.sub(r"\D", "", key) for key in keys))
    if layers == [""] and outputs > 1:
        drawn = {key: samples.normal((FEATURES,) if vocabulary.family(key).startswith("w") else (), 3) for key in keys}
        yield Made("random, the weights a vector", {key: np.asarray(value) for key, value in drawn.items()})
    sizes = [FEATURES, *HIDDEN[: len(layers) - 1], outputs]
    if not layers or len(sizes) != len(layers) + 1:
        return
    for words, turned, bias in (
        ("(out, in)", True, (-1, 1)),
        ("(in, out)", False, (-1,)),
        ("(in, out)", False, (1, -1)),
    ):
        drawn = {}
        for i, key in enumerate(keys):
            place = sorted(layers, key=lambda layer: int(layer or 0)).index(re.sub(r"\D", "", key))
            shape = (sizes[place + 1], sizes[place]) if turned else (sizes[place], sizes[place + 1])
            is_weight = vocabulary.family(key).startswith("w")
            drawn[key] = samples.normal(shape if is_weight else (sizes[place + 1],), 3 + i)
            drawn[key] = drawn[key] if is_weight else drawn[key].reshape(bias)
        yield Made(f"random, weights of shape {words}", drawn, outputs)


def inputs(made: Made, override: Override) -> Iterator[Array]:
    """Inputs with as many features as a weight has rows or columns, as rows and as columns."""
    given = override.input()
    if given is not None:
        yield given
        return
    matrices = [array for array in object_arrays.arrays([made.parameters]).values() if array.ndim in (1, 2)]
    matrices = [array for array in matrices if array.ndim > 1] or matrices
    whole = [array for array in matrices if 1 not in array.shape] or matrices
    sizes = dict.fromkeys(size for array in whole[:1] for size in array.shape)
    for size in sorted(sizes, key=lambda size: size != FEATURES):
        yield from (samples.normal(shape) for shape in ((BATCH, size), (size, BATCH)))
    yield IDS


def targets(y: Any, made: Made, x: Array, override: Override) -> Iterator[tuple[str, Array]]:
    """Every kind of target that suits a prediction; where there is none yet, one that suits the last weights."""
    if isinstance(override.target, np.ndarray | list | tuple):
        yield "as given", np.asarray(override.target)
        return
    if x is IDS:
        yield "ids", IDS[::-1]
    shapes = [np.shape(y)] if y is not None else list(_last_shapes(made, x))
    for shape, kind in product(shapes, ("one-hot", "labels", "binary", "normal")):
        if override.target in (None, kind):
            yield from _drawn(kind, shape)


def _last_shapes(made: Made, x: Array) -> Iterator[tuple[int, ...]]:
    last = [array for array in object_arrays.arrays([made.parameters]).values() if array.ndim == 2][-1:]
    if not last:
        yield (BATCH,)
    for size in sorted(
        {size for array in last for size in array.shape if size != max(last[0].shape)} | {1}, reverse=True
    ):
        yield (BATCH, size) if x.shape[0] == BATCH else (size, BATCH)


def _drawn(kind: str, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """A target of this kind, with the classes along the axis that is not the batch's; each class stands in it."""
    numbers = samples.normal(shape, seed=2)
    axis = 1 - shape.index(BATCH) if len(shape) == 2 and BATCH in shape else 1
    classes = shape[axis] if len(shape) == 2 else 1
    if kind == "normal" and len(shape) in (1, 2):
        yield kind, numbers
    elif kind == "binary" and len(shape) in (1, 2):
        yield kind, (numbers > 0).astype(float)
        if classes == 1 < len(shape):
            yield "binary, a vector", (numbers > 0).ravel().astype(int)
    elif classes > 1:
        labels = np.resize(np.arange(classes)[::-1], shape[1 - axis])
        yield kind, labels if kind == "labels" else np.moveaxis(np.eye(classes)[labels], 0, 1 - axis)
