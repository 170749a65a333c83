"""What holds of a wrong gradient that no hypothesis explains: where it is wrong, and how it depends on dy."""

from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.groups import by_distance, by_output
from mlp.check.diagnosis.isolated_layer import IsolatedLayer, Role
from mlp.check.diagnosis.paths import Paths
from mlp.check.diagnosis.places import place_of
from mlp.nn.arrays import Array

_SMALL = 2.0**-12


def what_holds(case: IsolatedLayer, tensor: str) -> list[str]:
    """Sentences without an end, the most telling first."""
    said, right = case.said[tensor], case.right(tensor)
    if said.shape != right.shape or tensor not in case.paths or case.seen(right) is not right:
        return []
    paths = case.paths[tensor]
    found = [
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
