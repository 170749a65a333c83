"""An experiment is one frozen set of plain values: the cache key, the address and the settings of an export.

The same experiment gives the same numbers on every machine: it draws from `np.random.RandomState(seed)`, whose stream
numpy has frozen, weights and biases layer by layer, then the input, then the target, as the exercise does. Or input
and target are rows of a data set, in an order that the seed shuffles.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np

from mlp.differences.methods import METHODS
from mlp.lab.dataset import Dataset
from mlp.lab.datasets import DATASETS, dataset
from mlp.lab.own_rows import read_rows
from mlp.lab.settings_text import ROWS, format_sizes, parse_sizes, shortened
from mlp.lab.work import check_work
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.arrays import Array
from mlp.nn.initialisations import INITIALISATIONS
from mlp.nn.losses import LOSSES, BCEWithLogitsLoss, CrossEntropyLoss
from mlp.nn.network import Sequential, dense_layers
from mlp.nn.problem import Problem

RANDOM = "random"
"""The input and target that are drawn, as the exercise draws them."""

MAX_LAYERS = 20
MAX_BATCH = 1_000
MAX_SEED = 2**32 - 1
MAX_PARAMETERS = 500_000
MAX_WORK = 32_000_000_000


class MisfitError(ValueError):
    """A network or a batch that does not fit the data."""


@dataclass(frozen=True)
class Experiment:
    """The settings of a gradient check.

    Attributes:
        sizes: units in each layer, inputs first, outputs last.
        activation, loss, initialisation, method: names in ACTIVATIONS, LOSSES, INITIALISATIONS, METHODS.
        seed: for np.random.RandomState, 0 to 2^32 - 1.
        batch: number of samples; 1 is a single sample of shape (features,), more are (batch, features).
        eps: step of the numerical derivative, above 0 and at most 1.
        data: RANDOM, or a name in DATASETS: then input and target are its first training rows; or the text of rows of
            a person's own, as `mlp.lab.own_rows` writes it.

    Raises:
        MisfitError: the layer sizes, the loss or the batch do not fit the data; the sentence says what would do.
        ValueError: a setting is out of its range, or the check would be too large; the sentence says what would do.
    """

    sizes: tuple[int, ...] = (2, 10, 20, 5)
    activation: str = "Tanh"
    loss: str = "MSELoss"
    initialisation: str = "standard normal"
    seed: int = 0
    batch: int = 1
    eps: float = 1e-4
    method: str = "central"
    data: str = RANDOM

    def __post_init__(self) -> None:
        """Check every setting, then what they cost together."""
        _require_sizes(self.sizes)
        for name, known in CHOICES.items():
            if name != "data" or not str(self.data).startswith(ROWS):
                require_choice(name, getattr(self, name), known)
        require_whole("seed", self.seed, 0, MAX_SEED)
        require_whole("batch", self.batch, 1, MAX_BATCH)
        if isinstance(self.eps, bool) or not isinstance(self.eps, int | float) or not 0 < self.eps <= 1:
            raise ValueError(f"eps must be above 0 and at most 1, not {self.eps!r}.")
        _require_affordable(self)
        if self.data != RANDOM:
            data = self._dataset()
            require_fit(self, data)
            if self.batch > len(data.x):
                raise MisfitError(f"The data {data.name} have {len(data.x)} training rows; the batch can have no more.")

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum((inputs + 1) * outputs for inputs, outputs in pairwise(self.sizes))

    @property
    def forward_multiplications(self) -> int:
        """The multiplications of one forward pass of the batch."""
        return self.batch * sum(inputs * outputs for inputs, outputs in pairwise(self.sizes))

    @property
    def work(self) -> int:
        """About how many nanoseconds of one core the check takes, by `check_work`."""
        return check_work(self.sizes, self.activation, self.loss, self.batch, self.method)

    def problem(self) -> Problem[Sequential]:
        """Draw the network, then the input, then the target; or take these two from the data."""
        rng = np.random.RandomState(self.seed)
        layers = dense_layers(self.sizes, ACTIVATIONS[self.activation], rng, INITIALISATIONS[self.initialisation])
        loss = LOSSES[self.loss]()
        if self.data == RANDOM:
            x = rng.standard_normal(self._shape(self.sizes[0]))
            target = loss.random_target(rng, self._shape(self.sizes[-1]))
        else:
            x, target = self._rows(self._dataset())
        return Problem(Sequential(**layers), loss, x, target)

    def fitted(self, data: Dataset) -> Self:
        """The experiment with the sizes that the data ask for, and MSELoss where its loss is for classes and they not.

        Raises:
            ValueError: with these sizes a check would be too large.
        """
        loss = "MSELoss" if _is_for_classes(self.loss) and data.target_scale is not None else self.loss
        return self.changed(sizes=data.fitting(self.sizes), loss=loss)

    def changed(self, **settings: Any) -> Self:
        """The experiment with other settings, and with random numbers if its data do not fit these.

        Raises:
            ValueError: a setting is out of its range, or the check would be too large.
        """
        try:
            return replace(self, **settings)
        except MisfitError:
            return replace(self, **{**settings, "data": RANDOM})

    def settings(self) -> dict[str, Any]:
        """The settings as plain values that JSON and the address can hold: the sizes as text, all else as it is."""
        return {**vars(self), "sizes": format_sizes(self.sizes)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Make the experiment of these `settings()`.

        Raises:
            ValueError: a setting is out of its range, or the check would be too large.
        """
        return cls(**{**settings, "sizes": parse_sizes(settings["sizes"])})

    def _dataset(self) -> Dataset:
        """The data that input and target are taken from, unless they are RANDOM."""
        return read_rows(self.data) if self.data.startswith(ROWS) else dataset(self.data, self.seed)

    def _rows(self, data: Dataset) -> tuple[Array, Array]:
        """The first training rows and their targets, in arrays of their own; a single one without the batch's axis."""
        rows = 0 if self.batch == 1 else slice(self.batch)
        return data.x[rows].copy(), data.target[rows].copy()

    def _shape(self, features: int) -> tuple[int, ...]:
        return (features,) if self.batch == 1 else (self.batch, features)


CHOICES: dict[str, Iterable[str]] = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "initialisation": INITIALISATIONS,
    "method": METHODS,
    "data": (RANDOM, *DATASETS),
}


def require_fit(experiment: Experiment, data: Dataset) -> None:
    """Raise a MisfitError, a sentence, unless the experiment's sizes and loss fit the data."""
    wanted = data.fitting(experiment.sizes)
    if experiment.sizes != wanted:
        raise MisfitError(
            f"The data have {data.counted}, so the layer sizes must begin with {wanted[0]} and end with {wanted[-1]}: "
            f"{format_sizes(wanted)} instead of {format_sizes(experiment.sizes)}."
        )
    if data.target_scale is not None and _is_for_classes(experiment.loss):
        raise MisfitError(f"{experiment.loss} is for classes, and here numbers are to be fitted: take MSELoss.")


def _is_for_classes(loss: str) -> bool:
    return issubclass(LOSSES[loss], (BCEWithLogitsLoss, CrossEntropyLoss))


def _require_sizes(sizes: tuple[int, ...]) -> None:
    if not isinstance(sizes, tuple) or len(sizes) < 2:
        raise ValueError(
            f"sizes must be a tuple of at least inputs and outputs, such as (2, 10, 20, 5), not {sizes!r}."
        )
    if len(sizes) - 1 > MAX_LAYERS:
        raise ValueError(
            f"A network can have at most {MAX_LAYERS} linear layers here; these sizes make {len(sizes) - 1}."
        )
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(
                f"Each layer needs at least 1 unit, as a whole number; {format_sizes(sizes)} has {size!r}."
            )


def require_choice(name: str, value: str, known: Iterable[str]) -> None:
    """Raise a ValueError, a sentence, unless the setting of this name is one of those known."""
    if value not in tuple(known):
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {shortened(value)}.")


def require_whole(name: str, value: int, low: int, high: int) -> None:
    """Raise a ValueError, a sentence, unless the setting of this name is a whole number from low to high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low:,} to {high:,}, not {value!r}.")


def _require_affordable(experiment: Experiment) -> None:
    sizes, count = format_sizes(experiment.sizes), experiment.parameters
    if count > MAX_PARAMETERS:
        raise ValueError(f"{sizes} has {count:,} parameters; the limit is {MAX_PARAMETERS:,}. Take smaller layers.")
    if experiment.work > MAX_WORK:
        samples = "1 sample" if experiment.batch == 1 else f"{experiment.batch:,} samples"
        raise ValueError(
            f"Checking {sizes} on {samples} takes about {experiment.work / 1e9:,.0f} seconds of one core; the limit is "
            f"{MAX_WORK / 1e9:.0f}. Take smaller layers or fewer samples."
        )
