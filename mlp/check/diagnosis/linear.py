"""Faults of a linear layer's backward."""

from collections.abc import Iterator

import numpy as np

from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.isolated_layer import IsolatedLayer
from mlp.nn.arrays import Array


def _matrix(case: IsolatedLayer) -> Array:
    """W in the shape (out, in)."""
    W = case.function.parameters()[case.weight or ""]
    return W if case.out_first else W.T


def _w_transposed(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
    W = _matrix(case)
    if W.shape[0] == W.shape[1]:
        yield Prediction(np.asarray(case.dy) @ W.T)


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


def _output_for_input(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
    if case.x.shape == case.y.shape:
        dy, y = np.atleast_2d(case.dy), np.atleast_2d(case.y)
        yield Prediction(dy.T @ y if case.out_first else y.T @ dy)


def _dy_itself(case: IsolatedLayer, _tensor: str) -> Iterator[Prediction]:
    if case.x.shape == case.y.shape:
        yield Prediction(np.asarray(case.dy))


LINEAR: tuple[Hypothesis, ...] = (
    Hypothesis(
        "W transposed in dx",
        "{tensor} is computed with W transposed. It goes unnoticed as long as W is square, and is still wrong.",
        _w_transposed,
        tensors=("x",),
    ),
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
        "output taken for input",
        "{tensor} is computed with the layer's output y in the place of its input x.",
        _output_for_input,
        tensors=("W",),
    ),
    Hypothesis(
        "dy passed on unchanged",
        "{tensor} is dy itself: W is missing from it.",
        _dy_itself,
        tensors=("x",),
    ),
    Hypothesis(
        "W already updated",
        "{tensor} is computed with a W that has been updated already; {measured}. Compute all gradients first, and "
        "update afterwards, outside backward.",
        _w_updated,
        tensors=("x",),
    ),
)
