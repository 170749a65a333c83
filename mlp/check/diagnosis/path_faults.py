"""Faults that show in the paths by which dy becomes a gradient: some overwritten, sent elsewhere, or not masked."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from mlp.check.diagnosis.groups import PLACES
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import entry_factors, multiples
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.check.diagnosis.path_models import MODELS, derivatives_wrong, factors_wrong, terms_wrong
from mlp.check.diagnosis.paths import Paths
from mlp.nn.problem import INPUT


def overwritten(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Of the places of dy that reach an entry, only the last one that was written counts, or the first."""
    paths = case.paths.get(tensor)
    if paths is None:
        return
    axes = range(len(paths.dy.shape))
    for number, written in enumerate(one for count in (1, 2, 3) for one in combinations(axes, count)):
        strides = np.zeros(len(paths.dy.shape), dtype=int)
        for axis in written:
            strides[axis] = np.prod([paths.dy.shape[later] for later in written if later > axis], dtype=int)
        order = (strides @ paths.outputs)[:, None]
        for last in (True, False):
            rank = order if last else -order
            top = np.max(np.where(paths.there, rank, rank.min() - 1), axis=0)
            model = np.where(rank == top, paths.right, 0.0)
            if paths.explained_by(model):
                words = f"only the {'last' if last else 'first'} one that reaches an entry is kept"
                yield Prediction(paths.gradient(model), words, 0, (number, last))
                return


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


def rerouted(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The dy of an output handed to other entries than those it depends on."""
    paths = case.paths.get(tensor)
    if paths is None or tensor != INPUT or not np.any(paths.given & ~paths.there):
        return
    counts = [np.sum(which, axis=1) for which in (paths.given, paths.there)]
    if any(np.ptp(count) for count in counts) or np.any(counts[0] == 0):
        return
    given, right = (int(count[0]) for count in counts)
    values = paths.said[paths.given]
    if given > 64 or np.ptp(values) > 1e-6 * np.max(np.abs(values)):
        return
    words = (
        f"the dy of each output goes to {given} {'entry' if given == 1 else 'entries'}, times {values[0]:.4g}, where "
        f"it depends on {right}; {_shared(paths)}"
    )
    yield Prediction(paths.gradient(paths.said), words, 2, (given, right, float(values[0])))


def _shared(paths: Paths) -> str:
    both = np.sum(paths.given & paths.there, axis=1)
    if not np.any(both):
        return "none of them is the right one"
    return "the right ones are among them" if np.all(both == np.sum(paths.there, axis=1)) else "some are right"


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
    Hypothesis("dy sent elsewhere", "{tensor} has dy in other entries than it should: {measured}.", rerouted),
)
