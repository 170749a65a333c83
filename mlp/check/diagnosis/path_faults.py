"""Faults that show in the paths by which dy becomes a gradient: some overwritten, sent elsewhere, or not masked."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import batch_places, entry_factors, multiples
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.check.diagnosis.observations import PLACES
from mlp.check.diagnosis.path_models import MODELS, derivatives_wrong, factors_wrong, terms_wrong
from mlp.check.diagnosis.paths import Paths
from mlp.nn.arrays import Array


def overwritten(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Of the places of dy that reach an entry, only the last one that was written counts, or the first."""
    paths = case.paths.get(tensor)
    if paths is None:
        return
    axes = range(paths.dy.ndim)
    for number, written in enumerate(one for count in (1, 2, 3) for one in combinations(axes, count)):
        rank = _counted_along(paths, written)
        others = [axis for axis in axes if axis not in written]
        for kept in ([], *([axis] for axis in others)):
            group = _counted_along(paths, kept)
            for last in (True, False):
                model = _last_of_each(paths, rank if last else -rank, group)
                if paths.explained_by(model):
                    each = f" for each {batch_places(case, paths.dy.ndim)[kept[0]]}" if kept else ""
                    words = f"only the {'last' if last else 'first'} one that reaches an entry is kept{each}"
                    yield Prediction(paths.gradient(model), words, 0, (number, last, *kept))
                    return


def _counted_along(paths: Paths, axes: Sequence[int]) -> Array:
    """The place of each output, counted along some axes of dy."""
    return (
        np.ravel_multi_index(tuple(paths.outputs[list(axes)]), [paths.dy.shape[axis] for axis in axes])
        if axes
        else np.zeros(paths.dy.size, dtype=int)
    )


def _last_of_each(paths: Paths, rank: Array, group: Array) -> Array:
    """The paths of the outputs of highest rank among those of a group that reach an entry."""
    ranks = np.where(paths.there, rank[:, None], rank.min() - 1)
    top = np.full((group.max() + 1, ranks.shape[1]), rank.min() - 1)
    np.maximum.at(top, group, ranks)
    return np.where(ranks == top[group], paths.right, 0.0)


def unmasked(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Right wherever there is a derivative, but with something where it is zero."""
    paths = case.paths[tensor]
    extra = paths.given & ~paths.there
    if len(paths.said) < 2 or not np.any(extra) or not paths.explained_by(np.where(extra, paths.said, paths.right)):
        return
    if np.all(np.sum(paths.given, axis=1) <= 1) and np.sum(extra) < np.sum(paths.given):
        values = paths.said[extra]
        what = f"{values[0]:.4g} times dy" if np.ptp(values) < 1e-6 * abs(values[0]) else "something"
        words = f"where the derivative is zero it has {what}; a mask is missing, or one of these entries is not zero"
        yield Prediction(paths.gradient(paths.said), words, 1)


def without_dy(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Something is added that does not depend on dy; the rest is right, or has a factor too much or too little."""
    paths = case.paths[tensor]
    if not np.any(paths.constant):
        return
    added = next(multiples(np.asarray(paths.constant), entry_factors(case, tensor), 1e-6), "something")
    if not np.any(paths.said):
        yield Prediction(paths.gradient(paths.said), f"it is {added}, whatever dy is", 1)
    whole = np.ones(paths.there.shape, dtype=bool)
    if np.linalg.norm(paths.said - paths.right) < 1e-6 * np.linalg.norm(paths.right):
        yield Prediction(paths.gradient(paths.right), f"without any dy, {added} is added", 1)
    for models in (factors_wrong, derivatives_wrong, terms_wrong):
        for model in models(case, tensor, paths, whole):
            words = f"without any dy, {added} is added, and in the rest {model.words}"
            yield Prediction(paths.gradient(model.paths), words, 1, (model.number,), model.words)


PATHS: tuple[Hypothesis, ...] = (
    PLACES,
    Hypothesis(
        "overwritten",
        "{tensor} is overwritten where it should be added up: {measured}. Several outputs depend on the same entry, so "
        "their parts add up: write +=, or np.add.at where indices repeat.",
        overwritten,
    ),
    Hypothesis(
        "mask missing",
        "{tensor} is right wherever the layer has a derivative that is not zero; {measured}.",
        unmasked,
    ),
    Hypothesis("term without dy", "{tensor} has a term without dy, as of a bracket left out: {measured}.", without_dy),
    *MODELS,
)
