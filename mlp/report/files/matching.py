"""Which uploaded array is which gradient: `fc1.weight`, `W1`, `layers.0.W`, `dW1` and `0.weight` all mean fc1.W."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlp.nn.arrays import Array
from mlp.report.files import UploadError, brief, listed

_KINDS = {
    "W": frozenset(["w", "weight", "weights", "kernel", "kernels"]),
    "b": frozenset(["b", "bias", "biases"]),
    "x": frozenset(["x", "input", "inputs"]),
}
_NOISE = frozenset(["grad", "grads", "gradient", "gradients", "d", "dl", "dloss", "analytical", "numerical"])


@dataclass(frozen=True)
class Match:
    """An uploaded array and the tensor whose gradient it was taken for.

    Attributes:
        tensor: our name; uploaded: theirs.
        transposed: whether it had to be turned.
        reason: "name" or "shape".
    """

    tensor: str
    uploaded: str
    transposed: bool
    reason: str

    @property
    def origin(self) -> str:
        """Where the gradient was found, in a few words: W1 (by name, transposed)."""
        return f"{brief(self.uploaded)} (by {self.reason}{', transposed' if self.transposed else ''})"


@dataclass(frozen=True)
class Upload:
    """Gradients in our names and shapes, how each was found, and the names of arrays that belong to no tensor.

    `missing` holds the input's "x" where no gradient of it came: nobody needs it to train, so it may be left out.
    """

    gradients: dict[str, Array]
    matches: tuple[Match, ...]
    unused: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def told(self) -> str:
        """What there is to say of how it was read, in sentences: what was turned, left out and not used."""
        turned = [found.tensor for found in self.matches if found.transposed]
        return " ".join(
            text
            for text, names in (
                ("Transposed, so it was turned: {}.", turned),
                ("No gradient came for {}, which nobody needs to train, so it is left out.", self.missing),
                ("Not used, since no tensor here is called so: {}.", self.unused),
            )
            if names
            for text in (text.format(listed(names)),)
        )


def match(arrays: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]) -> Upload:
    """Find the gradient of every tensor among uploaded arrays.

    By name first, then by shape where just one array and one tensor are left that fit each other. A matrix in the shape
    of the transpose is turned; a square one is turned if all others that are not square had to be.

    Args:
        arrays: as `read_files` returns them.
        shapes: of the tensors by name, "x" being the input.

    Raises:
        UploadError: a tensor has no gradient, two have a claim to be one, or a shape does not fit.
    """
    found = _by_name(arrays, shapes)
    found |= _by_shape(arrays, shapes, found)
    missing = [tensor for tensor in shapes if tensor not in found]
    lacking = [tensor for tensor in missing if tensor != "x"]
    if lacking:
        raise UploadError(f"There is no gradient of {listed(lacking)}; the upload holds {listed(arrays)}.")
    turned = {tensor: _is_turned(tensor, name, arrays[name], shapes[tensor]) for tensor, (name, _) in found.items()}
    oblong = [turned[tensor] for tensor in found if len(set(shapes[tensor])) == 2 and tensor != "x"]
    square = bool(oblong) and all(oblong)
    gradients, matches = {}, []
    for tensor, shape in shapes.items():
        if tensor in found:
            name, reason = found[tensor]
            turn = turned[tensor] or (square and len(shape) == 2 and tensor != "x")
            gradients[tensor] = (arrays[name].T if turn else arrays[name]).reshape(shape)
            matches.append(Match(tensor, name, turn, reason))
    used = {match.uploaded for match in matches}
    return Upload(gradients, tuple(matches), tuple(name for name in arrays if name not in used), tuple(missing))


def _by_name(arrays: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[str, str]]:
    meanings = {name: _meaning(name) for name in arrays}
    numbers = sorted({number for kind, number in meanings.values() if kind in ("W", "b") and number is not None})
    layers = len({tensor for tensor in shapes if _meaning(tensor)[0] == "W"})
    found: dict[str, tuple[str, str]] = {}
    for name, (kind, number) in meanings.items():
        tensor = name if name in shapes else _tensor(kind, number, numbers, layers)
        if tensor not in shapes:
            continue
        if tensor in found and found[tensor][0] != tensor and name != tensor:
            raise UploadError(
                f"Both {brief(found[tensor][0])} and {brief(name)} may be the gradient of {tensor}; leave one out."
            )
        if tensor not in found or name == tensor:
            found[tensor] = name, "name"
    return found


def _tensor(kind: str, number: int | None, numbers: list[int], layers: int) -> str:
    """Our name of a weight or bias with this number: numbers may start at 0 or 1 and may have gaps, as 0, 2, 4 have."""
    if kind == "x":
        return "x"
    if not kind:
        return ""
    if number is None:
        return f"fc1.{kind}" if layers == 1 else ""
    counted = numbers.index(number) + 1 if len(numbers) == layers else number + (0 in numbers)
    return f"fc{counted}.{kind}"


def _meaning(name: str) -> tuple[str, int | None]:
    """What a name is the gradient of ("W", "b", "x" or ""), and the number of its layer."""
    cut = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", name)
    words = [word.lower() for word in re.split(r"[\W_]+", cut) if word]
    plain = [re.sub(r"^d(?=(w|b|x|weights?|bias|biases)$)", "", word) for word in words]
    kinds = [kind for word in plain for kind, known in _KINDS.items() if word in known and word not in _NOISE]
    numbers = [int(word) for word in words if word.isdecimal() and len(word) < 6]
    return kinds[-1] if kinds else "", numbers[-1] if numbers else None


def _by_shape(
    arrays: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    used = {name for name, _ in found.values()}
    free = {name: array for name, array in arrays.items() if name not in used and not _meaning(name)[0]}
    open_tensors = {tensor: shape for tensor, shape in shapes.items() if tensor not in found}
    fits = {
        tensor: [name for name, array in free.items() if _squeezed(array.shape) in _either_way(shape)]
        for tensor, shape in open_tensors.items()
    }
    return {
        tensor: (names[0], "shape")
        for tensor, names in fits.items()
        if len(names) == 1 and sum(names[0] in others for others in fits.values()) == 1
    }


def _is_turned(tensor: str, name: str, array: Array, shape: tuple[int, ...]) -> bool:
    if _squeezed(array.shape) == _squeezed(shape):
        return False
    if array.ndim == 2 and array.shape == shape[::-1]:
        return True
    hint = ""
    if len(shape) == 1 and array.shape[1:] == shape:
        hint = f" It has a row for each of {len(array)} samples: add them up, {tensor} = dy.sum(axis=0)."
    raise UploadError(f"{brief(name)} has shape {array.shape}, but the gradient of {tensor} has shape {shape}.{hint}")


def _either_way(shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return _squeezed(shape), _squeezed(shape[::-1])


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
