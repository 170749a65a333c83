"""What holds of a wrong gradient that no hypothesis explains: where it is wrong, and how it depends on dy."""

import itertools
from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.groups import by_distance, by_output
from mlp.check.diagnosis.ingredients import batch_places
from mlp.check.diagnosis.isolated_layer import IsolatedLayer, Role
from mlp.check.diagnosis.path_models import derivatives_wrong, factors_wrong, terms_wrong
from mlp.check.diagnosis.paths import Paths
from mlp.check.diagnosis.places import place_of
from mlp.nn.arrays import Array

_SMALL = 2.0**-12
_FEW = 3


def what_holds(case: IsolatedLayer, tensor: str) -> list[str]:
    """Sentences without an end, the most telling first."""
    said, right = case.said[tensor], case.right(tensor)
    if said.shape != right.shape or tensor not in case.paths or case.seen(right) is not right:
        return []
    paths = case.paths[tensor]
    found = [
        *_shifted(paths),
        *_in_parts(case, tensor, paths),
        *_right_groups(case, tensor, paths),
        *_in_dy(case, tensor, paths),
    ]
    return [*found, *_where(case, tensor)]


def _where(case: IsolatedLayer, tensor: str) -> Iterator[str]:
    said, right = case.said[tensor], case.right(tensor)
    wrong = ~(np.abs(said - right) <= case.report[tensor].error_bar)
    if np.all(wrong) or not np.any(wrong):
        return
    place, _ = place_of(np.argwhere(wrong), right.shape, right != 0)
    yield f"{place} is wrong, all else is right" if place else f"{np.sum(wrong)} of {wrong.size} entries are wrong"


def _in_dy(case: IsolatedLayer, tensor: str, paths: Paths) -> Iterator[str]:
    """How the gradient depends on dy."""
    if case.role is Role.LOSS:
        return
    if len(paths.said) > 1:
        yield "it is linear in dy"
        return
    said, dy = case.said[tensor].astype(np.float64), np.asarray(case.dy, dtype=np.float64)
    if _is_as(case.said_for(dy).get(tensor), said):
        small = case.said_for(_SMALL * dy).get(tensor)
        if small is not None and _is_as(small / _SMALL, case.right(tensor), 1e-6):
            yield "for a dy a few thousand times smaller it is right, so something is clipped where it is large"
        for factor, words in ((0.0, "without any dy"), (2.0, "for twice the dy"), (-1.0, "for -dy")):
            other = case.said_for(factor * dy).get(tensor)
            if other is None or not np.all(np.isfinite(other)):
                return
            times = float(np.sum(other * said) / np.sum(np.square(said)))
            if factor == 0:
                if np.any(other):
                    yield "without any dy it is not zero"
            elif _is_as(other, times * said) and abs(times - factor) > 1e-6:
                yield f"{words} it is {times:.4g} times as large, so it is not linear in dy"
            elif abs(times - factor) > 1e-6:
                yield "it is not linear in dy"
                return


def _is_as(array: Array | None, expected: Array, left: float = 1e-9) -> bool:
    return array is not None and float(np.linalg.norm(array - expected)) <= left * float(np.linalg.norm(expected))


def _right_groups(case: IsolatedLayer, tensor: str, paths: Paths) -> Iterator[str]:
    """The places of dy, and distances from it, whose part is right, or missing, or should be none."""
    for grouping in (*by_output(case, paths), *by_distance(case, tensor, paths)):
        labels = np.unique(grouping.labels[paths.there | paths.given]).tolist()
        kinds: dict[str, list[int]] = {}
        for label in labels:
            kinds.setdefault(_kind(paths, grouping.labels == label), []).append(label)
        if len(kinds) > 1:
            yield "; ".join(f"what comes from {grouping.called(some, labels)} {kind}" for kind, some in kinds.items())


def _kind(paths: Paths, where: Array) -> str:
    if _is_right(paths, where):
        return "is right"
    if not np.any(paths.given & where):
        return "is missing"
    weight = paths.weight(where)
    if weight is not None:
        return f"counts {weight:.4g} times"
    return "is wrong" if np.any(paths.there & where) else "should be nothing, and is something"


def _is_right(paths: Paths, where: Array) -> bool:
    """Whether these paths are right, but for the error of a numerical derivative."""
    return bool(np.all(np.abs(paths.said - paths.right)[where] <= 1e-6 * np.max(np.abs(paths.right))))


def _shifted(paths: Paths) -> Iterator[str]:
    """The right gradient moved by one entry along some axes, as far as it then overlaps itself."""
    rank = len(paths.shape)
    if len(paths.said) < 2 or not 2 <= rank <= 4:
        return
    said, right = (array.reshape(-1, *paths.shape) for array in (paths.said, paths.right))
    for moves in itertools.product((0, 1, -1), repeat=rank - 1):
        to = (
            slice(None),
            slice(None),
            *(slice(max(move, 0), size + min(move, 0)) for move, size in _sizes(moves, paths)),
        )
        of = (
            slice(None),
            slice(None),
            *(slice(max(-move, 0), size + min(-move, 0)) for move, size in _sizes(moves, paths)),
        )
        if any(moves) and np.any(said[to]) and np.max(np.abs(said[to] - right[of])) <= 1e-6 * np.max(np.abs(right)):
            axes = " and ".join(f"{move:+d} along axis {axis + 1}" for axis, move in enumerate(moves) if move)
            yield f"it is right but for being shifted by {axes}"
            return


def _sizes(moves: tuple[int, ...], paths: Paths) -> Iterator[tuple[int, int]]:
    return zip(moves, paths.shape[1:], strict=True)


def _in_parts(case: IsolatedLayer, tensor: str, paths: Paths) -> Iterator[str]:
    """A factor or term that has a name in a part of the paths: those from one place of dy to the wrong entries."""
    if len(paths.said) < 2:
        return
    strange = np.abs(paths.said - paths.right) > 1e-6 * np.max(np.abs(paths.right))
    names = batch_places(case, paths.dy.ndim)
    for axis in range(1, paths.dy.ndim - 1):
        for place in range(min(_FEW, paths.dy.shape[axis])):
            here = (paths.outputs[axis] == place)[:, None]
            wrong = np.any(strange & here, axis=0)
            where = here & wrong & (paths.there | paths.given)
            if np.sum(where) < 8:
                continue
            for models, what in _MODELS:
                model = next(models(case, tensor, paths, where), None)
                if model:
                    only = (
                        ""
                        if np.all(wrong)
                        else f" in {place_of(np.argwhere(wrong.reshape(paths.shape)), paths.shape)[0]}"
                    )
                    yield f"what comes from {names[axis]} {place} of dy is {what} {model.words}{only}"
                    return


_MODELS = ((factors_wrong, "right but that"), (derivatives_wrong, "not right:"), (terms_wrong, "right but that"))
