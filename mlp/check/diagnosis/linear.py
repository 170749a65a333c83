"""Faults of a linear layer's backward."""

from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import IsolatedLayer


def _w_updated(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """The dx with W - rate * dW in place of W, for the rate that fits best."""
    said, right, dy = case.said[tensor], case.right(tensor), np.asarray(case.dy)
    if said.shape != right.shape:
        return
    dW = case.right(case.weight or "")
    step = dy @ (dW if case.out_first else dW.T)
    shown = case.seen(step)
    if np.any(shown):
        rate = -float(np.sum((said - case.seen(right)) * shown) / np.sum(np.square(shown)))
        yield Prediction(right - rate * step, f"the learning rate is {rate:.6g}", 1, (rate,))


def _not_summed(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
    dy = np.asarray(case.dy)
    if case.samples > 1:
        yield Prediction(dy, f"it still has the shape {dy.shape}")
        yield Prediction(dy.sum(axis=1), "it is summed over the outputs")


def _averaged(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    if case.samples > 1:
        yield Prediction(case.right(tensor) / case.samples, f"it is divided by {case.samples}, the number of samples")


LINEAR: tuple[Hypothesis, ...] = (
    Hypothesis(
        "bias not summed over the batch",
        "{tensor} is not added up over the batch: {measured}. The same bias serves every sample, so their gradients "
        "add up.",
        _not_summed,
        tensors=("b",),
    ),
    Hypothesis(
        "bias not summed over the batch",
        "{tensor} is averaged over the batch instead of added up: {measured}. If the loss takes a mean, its own dy "
        "has that factor already.",
        _averaged,
        tensors=("b",),
    ),
    Hypothesis(
        "W already updated",
        "{tensor} is computed with a W that has been updated already; {measured}. Compute all gradients first, and "
        "update afterwards, outside backward.",
        _w_updated,
        tensors=("x",),
    ),
)
