"""A training run as it goes on, step by step.

The same settings give the same run to the last bit, however its steps are portioned: weights as `Experiment` draws
them, mini-batches shuffled anew for each epoch by `np.random.RandomState(seed)`.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite, nan, sqrt
from typing import NamedTuple

import numpy as np

from mlp.check.gallery import GALLERY
from mlp.check.gallery.bug import places
from mlp.lab.backpropagation import Backpropagation
from mlp.lab.dataset import Dataset
from mlp.lab.experiment import require_fit
from mlp.lab.planted_bug import planted
from mlp.lab.settings_text import UPLOAD
from mlp.lab.training import Training
from mlp.nn.arrays import Array
from mlp.nn.network import Sequential
from mlp.nn.optimisers import OPTIMISERS
from mlp.nn.problem import Problem

RECORDS = 200
"""About so many steps of a run are recorded, spread evenly."""

EVALUATED = 2_000
"""At most so many training rows, and test rows, are evaluated for a record: the first ones, in random order."""

Batch = tuple[Array, Array]


class Rows(NamedTuple):
    """Rows that are evaluated for a record, with the labels of their classes, and what their columns begin with."""

    prefix: str
    x: Array
    target: Array
    labels: Array


class Inspection(NamedTuple):
    """One step of a run, looked at closely; every loss is that of the step's own mini-batch.

    Attributes:
        step: its number, from 1.
        loss, loss_after: before the step and after it.
        predicted: the loss after it by the first-order formula, loss + sum of gradient times update over all
            parameters, which for plain gradient descent is loss - rate |gradient|^2. With a wrong gradient it misses.
        parameters, x, target: what the step started from, and its mini-batch.
        gradients, updates: by parameter; an update is what the step added.
        gradient_norm, update_norm: of all of them taken together.
    """

    step: int
    loss: float
    loss_after: float
    predicted: float
    parameters: dict[str, Array]
    x: Array
    target: Array
    gradients: dict[str, Array]
    updates: dict[str, Array]
    gradient_norm: float
    update_norm: float


class Run:
    """A training run as it stands: it goes on with `advance`, and everything else can be read in between.

    Attributes:
        training: its settings.
        data: what it trains on.
        network, loss: as they are now, with the bug if there is one. They belong to the run: `apply` keeps nothing, and
            `problem` is for a check, which copies; `forward` and `backward` are the run's own.
        places: the layers that have the bug, or "loss": all that it fits, as one wrong class would have it.
        step: how many steps have been taken.
        ended: a sentence that says why the run cannot go on though it has steps left: it diverged, or the bug broke it
            off; "" otherwise. After divergence the run stands at the last recorded step, where all numbers are finite.
        record_every: of so many steps one is recorded, and the last.
        history: what was recorded, as columns of one length by name: "step"; "loss" and "test loss" over the training
            and the test rows, or the first EVALUATED of them; "accuracy" and "test accuracy", the parts of these rows
            whose largest output is the right one; and for each layer with parameters, such as "gradient fc1", the norm
            of its gradients in the mini-batch of the step that led here, NaN at step 0. Without test rows, or classes,
            the columns of these are missing.
    """

    def __init__(self, training: Training, data: Dataset | None = None) -> None:
        """Draw the network and record step 0.

        Args:
            training: the settings.
            data: the data set if that is UPLOAD, else None.

        Raises:
            ValueError: the experiment does not fit the data, or the bug has no place in the network.
        """
        if (data is None) == (training.data == UPLOAD):
            raise ValueError(f"A data set goes with the settings if these say {UPLOAD!r}, and only then.")
        self.training = training
        self.data = data or training.dataset()
        require_fit(training.experiment, self.data)
        problem, self.places = _start(training, self.data)
        self.network, self.loss = problem.network, problem.loss
        self.step = 0
        self.ended = ""
        self.history: dict[str, list[float]] = {}
        self._backpropagation = Backpropagation(self.network, self.loss)
        self._optimiser = OPTIMISERS[training.optimiser](training.rate)
        self._evaluated = list(_evaluated(self.data))
        self.record_every = -(-training.steps // RECORDS)
        self._batches = _mini_batches(training, self.data)
        self._batch = next(self._batches)
        self._record()

    @property
    def is_over(self) -> bool:
        """Whether there is no further step to take."""
        return bool(self.ended) or self.step == self.training.steps

    @np.errstate(all="ignore")  # what is no finite number any more is said in a sentence
    def advance(self, steps: int = 1) -> None:
        """Take so many further steps, or as many as the run has left."""
        last = min(self.step + steps, self.training.steps)
        while self.step < last and not self.ended:
            self._take_step()
            if not self.ended and (self.step % self.record_every == 0 or self.step == self.training.steps):
                self._record()

    def problem(self) -> Problem[Sequential]:
        """The network as it is now on the mini-batch of the next step, for a gradient check."""
        return Problem(self.network, self.loss, *self._batch)

    @np.errstate(all="ignore")
    def inspect(self) -> Inspection | None:
        """Take one step and tell all about it; None if it could not be taken, as `ended` then says.

        Raises:
            RuntimeError: the run is over.
        """
        if self.is_over:
            raise RuntimeError("the run is over: there is no further step")
        named = self._backpropagation.named_parameters
        before = {name: parameter.copy() for name, parameter in named.items()}
        problem = self.problem()
        loss = float(problem.value())
        self.advance()
        if self.ended:
            return None
        gradients = {name: gradient.copy() for name, gradient in self._backpropagation.named_gradients.items()}
        updates = {name: parameter - before[name] for name, parameter in named.items()}
        change = sum(float(np.vdot(gradients[name], update)) for name, update in updates.items())
        return Inspection(
            self.step,
            loss,
            float(problem.value()),
            loss + change,
            before,
            problem.x,
            problem.target,
            gradients,
            updates,
            _norm(gradients.values()),
            _norm(updates.values()),
        )

    @np.errstate(all="ignore")
    def measured(self) -> dict[str, float]:
        """Where the run stands now, as a row of the history, whether this step is recorded or not."""
        if self.history and self.history["step"][-1] == self.step:
            return {name: column[-1] for name, column in self.history.items()}
        row = {"step": float(self.step)}
        for rows in self._evaluated:
            y, loss = self._backpropagation.evaluate(rows.x, rows.target)
            row[f"{rows.prefix}loss"] = float(loss)
            if self.data.is_classification:
                row[f"{rows.prefix}accuracy"] = float((y.argmax(axis=1) == rows.labels).mean())
        for layer, gradient in self._backpropagation.layer_gradients.items():
            row[f"gradient {layer}"] = sqrt(gradient @ gradient) if self.step else nan
        return row

    def _take_step(self) -> None:
        x, target = self._batch
        try:
            value = self._backpropagation.run(x, target)
            if not isfinite(value):
                self._diverged()
                return
            self._optimiser.update({"": self._backpropagation.parameters}, {"": self._backpropagation.gradients})
        except ValueError as error:  # a wrong layer's shapes
            self.ended = f"Step {self.step + 1:,} could not be taken: {error}."
            return
        self.step += 1
        self._batch = next(self._batches)

    def _record(self) -> None:
        """Add a row to the history, and remember the parameters."""
        row = self.measured()
        if self.step and not all(map(isfinite, row.values())):
            self._diverged()
            return
        for name, value in row.items():
            self.history.setdefault(name, []).append(value)
        self._recorded = self._backpropagation.parameters.copy()

    def _diverged(self) -> None:
        """Go back to the last recorded step, and end there."""
        recorded = int(self.history["step"][-1])
        self.ended = (
            f"The run diverged: after step {self.step:,} the loss is no finite number any more. What is shown is step "
            f"{recorded:,}. Take a smaller rate."
        )
        self.step = recorded
        self._backpropagation.parameters[...] = self._recorded


def right_problem(training: Training, data: Dataset) -> Problem[Sequential]:
    """The network as drawn, without the bug, on the first mini-batch."""
    network, loss, _, _ = training.experiment.problem()
    return Problem(network, loss, *next(_mini_batches(training, data)))


def without_bug(run: Run, parameters: Mapping[str, Array], x: Array, target: Array) -> Problem[Sequential]:
    """The right network of the run's shape with these parameters, on these rows."""
    network, loss, _, _ = run.training.experiment.problem()
    for name, values in parameters.items():
        network = network.replaced(name, values)
    return Problem(network, loss, x, target)


def fitting_bugs(training: Training, data: Dataset) -> list[str]:
    """The bugs of the gallery that have a place in this network, by name."""
    problem = right_problem(training, data)
    return [name for name, bug in GALLERY.items() if places(bug, problem.network, problem.loss, problem.x)]


def _start(training: Training, data: Dataset) -> tuple[Problem[Sequential], tuple[str, ...]]:
    """The network with the bug in it, on the first mini-batch, and where the bug is."""
    problem = right_problem(training, data)
    if not training.bug:
        return problem, ()
    bug = GALLERY[training.bug]
    found = places(bug, problem.network, problem.loss, problem.x)
    if not found:
        raise ValueError(f"The bug {bug.name!r} has no place in this network and mini-batch: take another one.")
    for place in found:
        problem = planted(bug, problem, place)
    return problem, found


def _evaluated(data: Dataset) -> Iterator[Rows]:
    """Of the training and the test rows, if there are any, the first EVALUATED."""
    for prefix, x, target in (("", data.x, data.target), ("test ", data.test_x, data.test_target)):
        if len(x):
            first = target[:EVALUATED]
            yield Rows(prefix, x[:EVALUATED], first, first.argmax(axis=1))


def _mini_batches(training: Training, data: Dataset) -> Iterator[Batch]:
    """The mini-batches, epoch after epoch, for ever."""
    rng = np.random.RandomState(training.experiment.seed)
    while True:
        order = rng.permutation(len(data.x))
        x, target = data.x[order], data.target[order]
        for start in range(0, len(x), training.mini_batch):
            rows = slice(start, start + training.mini_batch)
            yield x[rows], target[rows]


def _norm(arrays: Iterable[Array]) -> float:
    """The Euclidean norm of all entries of all arrays together."""
    return sqrt(sum(np.vdot(array, array) for array in arrays))
