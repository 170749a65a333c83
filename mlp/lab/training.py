"""The settings of a training run as one frozen value, and whether a network fits the data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from mlp.check.gallery import GALLERY
from mlp.lab.dataset import Dataset, without_test
from mlp.lab.datasets import DATASETS, dataset
from mlp.lab.experiment import RANDOM, Experiment, require_choice, require_fit, require_whole
from mlp.lab.settings_text import UPLOAD, shortened
from mlp.nn.losses import CrossEntropyLoss
from mlp.nn.optimisers import OPTIMISERS

DATA = (RANDOM, *DATASETS, UPLOAD)
"""UPLOAD are data that are handed to the run."""

MAX_STEPS = 100_000
MAX_MINI_BATCH = 1_000
MAX_RATE = 1_000.0
MAX_WORK = 200_000_000_000


@dataclass(frozen=True)
class Training:
    """The settings of a training run.

    Attributes:
        experiment: whose network, loss and seed are taken; batch, eps and method do not matter, but for RANDOM data.
        data: one of DATA.
        optimiser: a name in OPTIMISERS.
        rate: the learning rate, above 0 and at most MAX_RATE.
        steps: how many steps the run has, 1 to MAX_STEPS.
        mini_batch: the rows of each step, 1 to MAX_MINI_BATCH; the last of an epoch may have fewer, and where the data
            have fewer, every step takes all.
        bug: the name of a bug in GALLERY that is planted in the network; "" for none.

    Raises:
        ValueError: a setting is out of its range, the run would take too long, or the experiment does not fit the data;
            the sentence says what would do.
    """

    experiment: Experiment
    data: str = "moons"
    optimiser: str = "SGD"
    rate: float = 0.1
    steps: int = 1_000
    mini_batch: int = 16
    bug: str = ""

    def __post_init__(self) -> None:
        """Check every setting, then what they are together."""
        require_choice("data", self.data, DATA)
        require_choice("optimiser", self.optimiser, OPTIMISERS)
        if self.bug not in ("", *GALLERY):
            raise ValueError(f"The gallery has no bug {shortened(self.bug)}.")
        require_whole("steps", self.steps, 1, MAX_STEPS)
        require_whole("mini_batch", self.mini_batch, 1, MAX_MINI_BATCH)
        if isinstance(self.rate, bool) or not isinstance(self.rate, int | float) or not 0 < self.rate <= MAX_RATE:
            raise ValueError(f"rate must be above 0 and at most {MAX_RATE:g}, not {self.rate!r}.")
        work = self.steps * self.mini_batch * self.experiment.parameters
        if work > MAX_WORK:
            raise ValueError(
                f"Training {self.experiment.parameters:,} parameters for {self.steps:,} steps of {self.mini_batch:,} "
                f"rows takes {work:.1e} operations; the limit is {MAX_WORK:.0e}. Take fewer steps or smaller layers."
            )
        if self.data != UPLOAD:
            require_fit(self.experiment, self.dataset())

    def dataset(self) -> Dataset:
        """The data, unless they are UPLOAD."""
        if self.data == RANDOM:
            return _own_data(self.experiment)
        return dataset(self.data, self.experiment.seed)

    def settings(self) -> dict[str, Any]:
        """The settings as plain values that JSON can hold, those of the experiment inside."""
        return {**asdict(self), "experiment": self.experiment.settings()}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Make the training of these `settings()`; errors raised as by the class."""
        return cls(**{**settings, "experiment": Experiment.from_settings(settings["experiment"])})


def _own_data(experiment: Experiment) -> Dataset:
    """The experiment's own input and target, drawn as everywhere else, and nothing to test on."""
    problem = experiment.problem()
    x, target = np.atleast_2d(problem.x), np.atleast_2d(problem.target)
    about = "The input and target that all other pages have."
    return without_test(RANDOM, about, x, target, isinstance(problem.loss, CrossEntropyLoss), None)
