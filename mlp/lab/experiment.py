"""An experiment is one frozen set of plain values: the cache key, the address and the settings of an export.

The same experiment gives the same numbers on every machine: it draws from `np.random.RandomState(seed)`, whose stream
numpy has frozen, weights and biases layer by layer, then the input, then the target, as the exercise does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

from mlp.differences.methods import METHODS
from mlp.lab.settings_text import format_sizes, parse_sizes, shortened
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.initialisations import INITIALISATIONS
from mlp.nn.losses import LOSSES
from mlp.nn.network import Sequential, dense_layers
from mlp.nn.problem import Problem

MAX_LAYERS = 20
MAX_BATCH = 1_000
MAX_SEED = 2**32 - 1
MAX_PARAMETERS = 500_000
MAX_WORK = 10_000_000_000


@dataclass(frozen=True)
class Experiment:
    """The settings of a gradient check.

    Attributes:
        sizes: units in each layer, inputs first, outputs last.
        activation, loss, initialisation, method: names in ACTIVATIONS, LOSSES, INITIALISATIONS, METHODS.
        seed: for np.random.RandomState, 0 to 2^32 - 1.
        batch: number of samples; 1 is a single sample of shape (features,), more are (batch, features).
        eps: step of the numerical derivative, above 0 and at most 1.

    Raises:
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

    def __post_init__(self) -> None:
        """Check every setting, then what they cost together."""
        _require_sizes(self.sizes)
        for name, known in CHOICES.items():
            require_choice(name, getattr(self, name), known)
        require_whole("seed", self.seed, 0, MAX_SEED)
        require_whole("batch", self.batch, 1, MAX_BATCH)
        if isinstance(self.eps, bool) or not isinstance(self.eps, int | float) or not 0 < self.eps <= 1:
            raise ValueError(f"eps must be above 0 and at most 1, not {self.eps!r}.")
        _require_affordable(self)

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
        """About what the numerical gradients take by structured differences, in the unit of `Cost.work`.

        A step on a parameter moves one unit of its layer. From there each layer behind computes its units anew, the
        second one behind with all its multiplications, of which sixteen count as one element; then comes the loss. A
        step on the input changes one sample, but the loss is that of the whole batch.
        """
        layers, outputs = list(pairwise(self.sizes)), self.sizes[-1]
        steps = 0
        for k, (inputs, units) in enumerate(layers):
            products = sum(self.sizes[k + 2 : k + 3]) + sum(a * b for a, b in layers[k + 2 :])
            steps += (inputs + 1) * units * self.batch * (1 + sum(self.sizes[k + 2 :]) + outputs + products // 16)
        sample = sum(self.sizes[1:]) + sum(a * b for a, b in layers) // 16
        steps += self.sizes[0] * self.batch * (sample + self.batch * outputs)
        return len(METHODS[self.method].offsets) * steps

    def problem(self) -> Problem[Sequential]:
        """Draw the network, then the input, then the target."""
        rng = np.random.RandomState(self.seed)
        layers = dense_layers(self.sizes, ACTIVATIONS[self.activation], rng, INITIALISATIONS[self.initialisation])
        loss = LOSSES[self.loss]()
        x = rng.standard_normal(self._shape(self.sizes[0]))
        target = loss.random_target(rng, self._shape(self.sizes[-1]))
        return Problem(Sequential(**layers), loss, x, target)

    def settings(self) -> dict[str, Any]:
        """The settings as plain values that JSON and the address can hold: the sizes as text, all else as it is."""
        return {**asdict(self), "sizes": format_sizes(self.sizes)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Make the experiment of these `settings()`.

        Raises:
            ValueError: a setting is out of its range, or the check would be too large.
        """
        return cls(**{**settings, "sizes": parse_sizes(settings["sizes"])})

    def _shape(self, features: int) -> tuple[int, ...]:
        return (features,) if self.batch == 1 else (self.batch, features)


CHOICES: dict[str, Iterable[str]] = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "initialisation": INITIALISATIONS,
    "method": METHODS,
}


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
        raise ValueError(
            f"Checking {sizes} on {experiment.batch} samples takes {experiment.work:.1e} operations; "
            f"the limit is {MAX_WORK:.0e}. Take smaller layers or fewer samples."
        )
