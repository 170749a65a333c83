"""Computation, cached by the settings alone."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlp.check.check import check_gradients
from mlp.check.given import Reference, reference
from mlp.check.jacobians import Flow, jacobian_flow
from mlp.check.report import GradientReport
from mlp.differences.methods import COMPLEX_STEP, optimal_step
from mlp.differences.networks import loss_gradients
from mlp.differences.parallel import Progress, available_cores
from mlp.differences.sweep import Sweep, affordable, sampled, sweep, swept_entries
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import EPS_STEPS
from mlp.nn.arrays import Array
from mlp.nn.network import Sequential
from mlp.nn.problem import Problem
from mlp.nn.trace import Step, trace
from mlp.report.figures import heatmaps
from mlp.report.files.exchange import archive
from mlp.report.numbers import duration
from mlp.report.tables import tensors

# Of each kind so many bytes of results are kept, the latest ones: a class that follows one link, or moves one slider
# through all its steps, computes nothing twice. A large network's result takes some 39 MB, the exercise's 30 kB.
MAX_BYTES = 200_000_000
# Nanoseconds of one core, as Experiment.work: below this a check is over before a progress bar could be read.
QUICK = 400_000_000

# How often who waits for another's large computation looks whether it is over, or whether there is a new input.
LOOK_EVERY = 0.2  # seconds

# Of the computations that are announced one runs at a time: each uses all cores already, and several at once would hold
# up everybody's short ones.
_LARGE = threading.Lock()

Result = TypeVar("Result")


def read_only(result: Result) -> Result:
    """The result of which no array can be written to any more: what sessions share, none of them can change."""
    for array in _arrays(result):
        array.flags.writeable = False
    return result


def _arrays(value: object) -> Iterator[Array]:
    """Every array in a value made of our own classes, mappings, lists and tuples."""
    if isinstance(value, np.ndarray):
        yield value
        return
    held: Iterable[object] = ()
    if isinstance(value, list | tuple):
        held = value
    elif type(value).__module__.startswith("mlp."):  # first, for a report is a mapping too, and holds more than that
        held = getattr(value, "__dict__", {}).values()
    elif isinstance(value, Mapping):
        held = value.values()
    for part in held:
        yield from _arrays(part)


class Kept(Generic[Result]):
    """The latest results by experiment, as many as MAX_BYTES hold; all sessions add to the same ones."""

    def __init__(self) -> None:
        self._held: dict[Experiment, tuple[Result, int]] = {}
        self._adding = threading.Lock()
        self.bytes = 0

    def get(self, experiment: Experiment) -> Result | None:
        """The result for these settings, if it is still there."""
        result, _ = self._held.get(experiment, (None, 0))
        return result

    def add(self, experiment: Experiment, result: Result) -> Result:
        """Keep it, read only, and let the oldest go where there is no room; it stays itself, however large it is."""
        size = sum(array.nbytes for array in _arrays(read_only(result)))
        with self._adding:
            self.bytes += size - self._held.pop(experiment, (None, 0))[1]
            self._held[experiment] = result, size
            while self.bytes > MAX_BYTES and len(self._held) > 1:
                self.bytes -= self._held.pop(next(iter(self._held)))[1]
        return result


class Checked(NamedTuple):
    """An experiment's network with its gradients checked.

    Shared between all visitors who ask for the same experiment: read only.
    """

    problem: Problem[Sequential]
    report: GradientReport
    seconds: float


class References(NamedTuple):
    """What gradients from elsewhere are held against; shared and read only as `Checked` is."""

    problem: Problem[Sequential]
    numerical: Reference
    complex_step: Reference


def checked(experiment: Experiment) -> Checked:
    """The experiment's network with its gradients checked, from memory if it has been asked for lately.

    What takes a while says so beforehand and shows how far it is; a new input breaks it off, and what the page showed
    stays until the new result is there.
    """
    return _remembered(_RESULTS, experiment, _check, experiment.work)


def references(experiment: Experiment) -> References:
    """What gradients of the experiment's network are held against, remembered and announced as in `checked`.

    Where the complex step alone would take longer than a visitor may ask for, a sentence says so and the page ends.
    """
    try:
        other = _by_complex_step(experiment)
    except ValueError as error:
        st.error(f"Here the complex step is compared with as well. {error}", title="This network is too large here")
        st.stop()
    return _remembered(_REFERENCES, experiment, _refer, experiment.work + other.work)


def warm() -> None:
    """Check the exercise's network, with which the first visitor opens, and draw it, for which plotly imports parts."""
    experiment = Experiment()
    report = _RESULTS.add(experiment, _check(experiment)).report
    check = report.worst
    heatmaps.marked(check, heatmaps.PANELS, check.worst).to_json()
    tensors.summary(report)


def _remembered(results: Kept[Result], experiment: Experiment, compute: Callable[..., Result], work: int) -> Result:
    # A place of its own, taken in every run: the bar then pushes nothing of the last result off the page.
    place = st.empty()
    result = results.get(experiment)
    if result is not None:
        return result
    if work < QUICK:
        return results.add(experiment, compute(experiment))
    with _turn(place):
        # Whoever was before may have asked for the same, such as a class that follows one link.
        result = results.get(experiment)
        if result is None:
            result = results.add(experiment, _announced(experiment, compute, work, place))
    place.empty()
    return result


# The last results, for all visitors. Not cached by Streamlit, which would show no progress from within.
_RESULTS: Kept[Checked] = Kept()
_REFERENCES: Kept[References] = Kept()


@contextmanager
def _turn(place: DeltaGenerator) -> Iterator[None]:
    """Wait until no other large computation runs; each call of the bar is where a new input ends the waiting."""
    while not _LARGE.acquire(timeout=LOOK_EVERY):
        place.progress(0.0, "Another visitor's large check is running. Yours starts when it is done.")
    try:
        yield
    finally:
        _LARGE.release()


def _announced(experiment: Experiment, compute: Callable[..., Result], work: int, place: DeltaGenerator) -> Result:
    text = f"Checking {experiment.parameters:,} parameters takes about {duration(work * 1e-9 / available_cores())}"
    bar = place.progress(0.0, text)
    # Each call of the bar is also where a new input breaks off the work.
    return compute(experiment, lambda done: _moved(bar, done, text))


def _check(experiment: Experiment, progress: Progress | None = None) -> Checked:
    problem = experiment.problem()
    start = time.perf_counter()
    report = check_gradients(*problem, experiment.eps, experiment.method, progress)
    return Checked(problem, report, time.perf_counter() - start)


def _refer(experiment: Experiment, progress: Progress | None = None) -> References:
    problem, other = experiment.problem(), _by_complex_step(experiment)
    share = experiment.work / (experiment.work + other.work)
    first = None if progress is None else lambda done: progress(share * done)
    second = None if progress is None else lambda done: progress(share + (1 - share) * done)
    numerical = reference(*problem, experiment.eps, experiment.method, first)
    return References(problem, numerical, reference(*problem, other.eps, other.method, second))


def _by_complex_step(experiment: Experiment) -> Experiment:
    """The same experiment by complex step, at a step that leaves no truncation."""
    return replace(experiment, method=COMPLEX_STEP.name, eps=float(optimal_step(COMPLEX_STEP, 1.0)))


def _moved(bar: DeltaGenerator, done: float, text: str) -> None:
    bar.progress(min(1.0, done), text)


# Streamlit hashes an experiment field by field, in a millisecond: as much as ten elements of a page take.
BY_REPR: dict[str | type, Callable[[object], str]] = {Experiment: repr}


@st.cache_resource(max_entries=32, hash_funcs=BY_REPR)
def first_sample(experiment: Experiment) -> dict[str, Array]:
    """What the loss takes of the experiment's first sample: the network's output and the target."""
    problem = experiment.problem()
    y = problem.network.apply(problem.x)
    first = 0 if experiment.batch > 1 else ...
    return read_only({"loss_y": y[first], "loss_t": problem.target[first]})


def traced(experiment: Experiment) -> list[Step]:
    """One forward and one backward pass, step by step: the same for every step and method."""
    return _traced(_undifferentiated(experiment))


@st.cache_resource(max_entries=32, hash_funcs=BY_REPR)
def _traced(experiment: Experiment) -> list[Step]:
    return read_only(trace(*experiment.problem()))


@st.cache_resource(max_entries=32, show_spinner="Differentiating every layer ...", hash_funcs=BY_REPR)
def flow(experiment: Experiment) -> Flow:
    """The Jacobians of the layers and of the whole network at the first sample."""
    problem = experiment.problem()
    sample = problem.x if experiment.batch == 1 else problem.x[0]
    return read_only(jacobian_flow(problem.network, sample, experiment.eps, experiment.method))


def swept(experiment: Experiment, name: str) -> Sweep:
    """The error of every method at every step for one tensor, whatever the experiment's own step and method."""
    return _swept(_undifferentiated(experiment), name)


@st.cache_resource(max_entries=32, show_spinner="Trying every step ...", hash_funcs=BY_REPR)
def _swept(experiment: Experiment, name: str) -> Sweep:
    problem = experiment.problem()
    tensor = problem.tensors()[name]
    indices = swept_entries(problem, name, affordable(experiment.forward_multiplications))
    entries = np.array([tensor[index] for index in indices])
    return read_only(sweep(sampled(problem.function(name), tensor, indices), entries, EPS_STEPS))


def numerical_by_step(experiment: Experiment, name: str) -> Array | None:
    """The numerical gradient of one tensor at each of EPS_STEPS, in the first axis; None where that would take long."""
    if len(EPS_STEPS) * experiment.work > QUICK:
        return None
    return _numerical_by_step(replace(experiment, eps=Experiment.eps), name)


@st.cache_resource(max_entries=32, hash_funcs=BY_REPR)
def _numerical_by_step(experiment: Experiment, name: str) -> Array:
    problem = experiment.problem()
    return read_only(np.stack([loss_gradients(*problem, eps, experiment.method)[name] for eps in EPS_STEPS]))


def _undifferentiated(experiment: Experiment) -> Experiment:
    return replace(experiment, eps=Experiment.eps, method=Experiment.method)


def packed(experiment: Experiment) -> bytes:
    """Everything about the check as a ZIP."""
    return archive(experiment, checked(experiment).report)


# An edit of any module that Streamlit watches makes it import this one anew, and every class of ours with it. Results
# made of the classes before are no instances of the new ones.
for cached in (first_sample, _traced, flow, _swept, _numerical_by_step):
    cached.clear()
