"""Which arrays are parameters, and which gradient belongs to which: found by name, then by shape, and written down."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret.samples import normal
from mlp.user_code.messages import ForeignError
from mlp.user_code.run import object_arrays
from mlp.user_code.run.sources import Source
from mlp.user_code.run.subject import Subject

INPUT = "x"
GIVEN = "given in GRADCHECK"
_CONTAINERS = ("params", "parameters", "param", "p", "values", "vars", "variables", "weights", "cache", "_params")
_MISFIT = 0.4  # for a dx of another shape: less than for a gradient that fits a parameter
_LOCAL = 0.3
_HOLDERS = ("data", "value", "val", "param", "params", "tensor", "array", "w", "values", "v")


@dataclass(frozen=True)
class Pair:
    """A tensor and where its gradient stands.

    Attributes:
        tensor: the parameter's name, or "x" for the input.
        gradient: the key of a source: `dW`, `grads.W`, `returned.dW`, `update.W`.
        shape, gradient_shape: of the two arrays.
        reason: why they were taken to belong together, in a few words.
    """

    tensor: str
    gradient: str
    shape: tuple[int, ...]
    gradient_shape: tuple[int, ...]
    reason: str

    @property
    def fits(self) -> bool:
        """Whether the shapes agree, (3,), (1, 3) and (3, 1) being the same vector."""
        return _squeezed(self.shape) == _squeezed(self.gradient_shape)

    @property
    def is_step(self) -> bool:
        """Whether the gradient is what backward took from the parameter."""
        return self.gradient.startswith("update.")

    @property
    def is_of_another(self) -> bool:
        """Whether the gradient is rather that of a tensor with other sizes: no sum over too much or too little."""
        ours, theirs = Counter(_squeezed(self.shape)), Counter(_squeezed(self.gradient_shape))
        return not (ours < theirs or theirs < ours or ours == theirs)


def pair(
    parameters: Mapping[str, tuple[list[object_arrays.Path], Array]],
    x: Array | None,
    sources: list[Source],
    given: Mapping[str, str],
) -> dict[str, Pair]:
    """Find each tensor's gradient.

    Args:
        parameters: for each name every path of the parameter, and its value.
        x: the input, None where it can have no gradient.
        sources: everything that may be a gradient.
        given: what GRADCHECK says, tensor to source; it always wins.

    Returns:
        The pairs by tensor name; a tensor for which nothing was found is missing.
    """
    pairs: dict[str, Pair] = {}
    taken: set[str] = set()
    wanted: dict[str, Array] = {name: value for name, (_, value) in parameters.items()}
    wanted |= {} if x is None else {INPUT: x}
    for tensor, key in given.items():
        for source in sources:
            if tensor in wanted and key in (source.key, source.key.removeprefix("returned.")):
                pairs[tensor] = _pair(tensor, wanted[tensor], source, GIVEN)
                taken.add(source.key)
                break
    scored = [
        (score, reason, tensor, source)
        for tensor, value in wanted.items()
        for source in sources
        for score, reason in [_score(tensor, parameters[tensor][0] if tensor in parameters else [], value, source)]
        if score > 0 and tensor not in pairs
    ]
    owners = {path: name for name, (paths, _) in parameters.items() for path in paths}
    for _, reason, tensor, source in sorted(scored, key=lambda entry: -entry[0]):
        # A parameter that has a gradient is none itself, even where its name, such as g, is one that gradients have.
        is_parameter = source.place == "attribute" and owners.get(source.path) in pairs
        if tensor not in pairs and source.key not in taken and not is_parameter:
            pairs[tensor] = _pair(tensor, wanted[tensor], source, reason)
            taken.add(source.key)
    return pairs | _added(pairs, parameters, sources)


def _added(
    pairs: Mapping[str, Pair], parameters: Mapping[str, tuple[list[object_arrays.Path], Array]], sources: list[Source]
) -> dict[str, Pair]:
    """The steps of parameters to which backward adds what it keeps as dW: that has the sign of no gradient."""
    kept = {one.key: one.array for one in sources if one.place in ("attribute", "local")}
    steps = {one.path: one for one in sources if one.place == "update"}
    found = {}
    for tensor, (paths, value) in parameters.items():
        array = kept.get(pairs[tensor].gradient) if tensor in pairs and pairs[tensor].reason != GIVEN else None
        step = next((steps[path] for path in paths if path in steps), None)
        if array is not None and step is not None and _are_opposed(array, step.array):
            found[tensor] = _pair(tensor, value, step, "recovered from the update that backward makes")
    return found


def _are_opposed(one: Array, other: Array) -> bool:
    """Whether an array is a negative multiple of another."""
    same = one.shape == other.shape and bool(np.any(one))
    return same and float(np.vdot(one, other)) <= -(1 - 1e-9) * float(np.linalg.norm(one) * np.linalg.norm(other))


def _pair(tensor: str, value: Array, source: Source, reason: str) -> Pair:
    return Pair(tensor, source.key, value.shape, source.array.shape, reason)


def _score(tensor: str, paths: list[object_arrays.Path], value: Array, source: Source) -> tuple[float, str]:
    """How likely the source is this tensor's gradient; 0 for not at all."""
    fits = _squeezed(value.shape) == _squeezed(source.array.shape)
    if source.place == "local":  # behind everything that is handed out
        return (_LOCAL, "by name") if fits and any(_name_score(path, source) for path in paths) else (0, "")
    if tensor == INPUT:
        return _score_input(source, fits)
    best = max((_name_score(path, source) for path in paths), default=0.0)
    if best:  # one that does not fit stands behind an update that does: what is updated may be a sum of it
        return (best + 2 if fits else best / 4) + (source.place != "update") / 4, "by name"
    if source.place == "update":
        exact = any(path == source.path for path in paths)
        return (1.5, "recovered from the update that backward makes") if exact else (0, "")
    # A lone D or g may as well be a variance or a gain.
    name = str(source.path[0]) if source.place == "attribute" and len(source.path) == 1 else ""
    is_grad = len(name) > 1 and _is_gradient(name)
    if fits and (source.place == "returned" or is_grad) and (value.ndim or vocabulary.family(tensor) == "b"):
        return 0.5, "by shape"
    return 0, ""


def _score_input(source: Source, fits: bool) -> tuple[float, str]:
    last = str(source.path[-1]) if source.path else ""
    if source.place == "returned" and (source.path in ((), (0,))):
        return (5 if fits else _MISFIT), "what backward returns"
    is_alone = source.place == "returned" or len(source.path) == 1
    if is_alone and not fits and vocabulary.unmangled(last).lower() in ("dx", "dinputs", "dinput"):
        return _MISFIT, "by name"
    if source.place == "update" or not fits:
        return 0, ""
    if "x" in vocabulary.gradient_of(last) or vocabulary.is_mark(last):
        return 4 if source.place == "returned" else 3, "by name"
    return (1, "by shape") if source.place == "returned" else (0, "")


def _name_score(path: object_arrays.Path, source: Source) -> float:
    """4 for dW and W, 3 for d_weights and W, 2 for d_r_kernel and recurrent_kernel.

    `weights.0` goes with `grad_weights.0`, as their lists or dicts do.
    """
    if len(path) > 1 and len(source.path) > 1 and path[-1] == source.path[-1]:
        listed = _name_score(path[:-1], source._replace(path=source.path[:-1]))
        if listed:
            return listed
    if source.label and not source.path:
        source = source._replace(path=(source.label,))
    if not source.path or source.place == "update" or source.path in (path, ("returned",)):
        return 0
    name, last = vocabulary.unmangled(str(path[-1])).lower(), str(source.path[-1])
    beside = _bare(path[:-1]) == _bare(source.path[:-1]) or (
        # Two lists or dicts side by side, of which one is called gradients: blobs[0] and diffs[0].
        len(path) == len(source.path) > 1
        and path[:-2] == source.path[:-2]
        and path[-1] == source.path[-1]
        and vocabulary.is_mark(str(source.path[-2]))
    )
    if source.place in ("attribute", "method", "local") and not beside:
        return 0
    if _is_gradient(last) and len(source.path) > 1 and name in _HOLDERS:
        return 4.5 if source.path[:-1] == path[:-1] else 0
    stems = vocabulary.gradient_of(last)
    if any(vocabulary.is_mark(str(part)) for part in source.path[:-1]):
        stems |= {vocabulary.unmangled(last).lower(), vocabulary.family(last)}
    if name in stems:
        return 4
    is_short = any(_shortens(stem.split("_"), name.split("_")) for stem in stems)
    return 3 if vocabulary.family(name) in stems else 2 * is_short


def _shortens(parts: list[str], words: list[str]) -> bool:
    """Whether the parts of a name are the beginnings of several words."""
    beginnings = [word.startswith(part) for part, word in zip(parts, words, strict=False) if part]
    return len(parts) == len(words) == len(beginnings) > 1 and all(beginnings)


def _is_gradient(name: str) -> bool:
    """Whether a name says no more than "gradient"; from a delta the gradients of parameters are still to be made."""
    return vocabulary.is_mark(name) and not vocabulary.unmangled(name).lower().startswith("delta")


def _bare(path: object_arrays.Path) -> object_arrays.Path:
    """The path without the names of containers, so that `params.W` and `grads.W` stand in the same object."""
    return tuple(part for part in path if str(part).strip("_") not in _CONTAINERS and not vocabulary.is_mark(str(part)))


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def as_shaped(gradient: Array, shape: tuple[int, ...]) -> Array:
    """A copy of the gradient as floating-point numbers in the tensor's shape (they may differ by axes of length 1)."""
    return np.array(gradient, dtype=np.result_type(gradient, np.float32)).reshape(shape)


_TINY = 0.1


def is_parameter(subject: Subject, x: Array, held: Mapping[str, Array], pair: Pair) -> bool:
    """Whether it is one: what backward overwrites may as well be a gradient kept from before, or a momentum."""
    return not pair.is_step or matters(subject, x, held, pair.tensor)


def is_kept_input(subject: Subject, x: Array, held: Mapping[str, Array], name: str) -> bool:
    """Whether an array that is called like an input has no influence: it stands where forward will keep its input."""
    return vocabulary.family(name.rpartition(".")[2]) == "x" and not matters(subject, x, held, name)


def matters(subject: Subject, x: Array, held: Mapping[str, Array], name: str) -> bool:
    """Whether an array of theirs has an influence on the output."""
    moved = held[name] + 1e-3 * random(held[name].shape)
    try:
        before, after = subject.run(x, held).y, subject.run(x, {**held, name: moved}).y
    except ForeignError:
        return False
    return not np.array_equal(before, after, equal_nan=True)


def lively(subject: Subject, x: Array, pairs: Mapping[str, Pair], held: Mapping[str, Array]) -> dict[str, Array]:
    """Other values for parameters that are all equal or tiny: behind zero weights every dx is zero, right or wrong."""
    dull = {
        name: held[name] + 0.5 * random(held[name].shape)
        for name in pairs
        if name in held and held[name].ndim and (np.ptp(held[name]) == 0 or np.max(np.abs(held[name])) < _TINY)
    }
    try:
        return dull if np.all(np.isfinite(subject.run(x, dull).y)) else {}
    except ForeignError:
        return {}


def may_vary(name: str) -> bool:
    """Parameters are told from gradients that are kept before the first backward by their names."""
    last = name.rpartition(".")[2]
    marked = any(vocabulary.is_mark(part) for part in name.split(".")[:-1]) or (
        vocabulary.is_mark(last) and len(last) > 1
    )
    return not marked


def random(shape: tuple[int, ...]) -> Array:
    """Standard normal numbers, the same each time."""
    return normal(shape, seed=7)
