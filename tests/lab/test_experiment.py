"""The settings: refused in a sentence when out of range or too large, and what they draw, number by number."""

import re
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from mlp.differences.blocks import structured_cost
from mlp.differences.methods import METHODS
from mlp.lab.datasets import DATASETS, dataset
from mlp.lab.experiment import (
    CHOICES,
    MAX_BATCH,
    MAX_LAYERS,
    MAX_PARAMETERS,
    MAX_SEED,
    MAX_WORK,
    RANDOM,
    Experiment,
    MisfitError,
)
from mlp.lab.settings_text import format_sizes
from mlp.lab.work import ACTIVATION_COSTS, CALL, LOSS_COSTS, check_work
from mlp.nn.activations import ACTIVATIONS
from mlp.nn.initialisations import INITIALISATIONS
from mlp.nn.losses import LOSSES
from mlp.report.files.uploads import MAX_BYTES
from tests.comparing import is_sentence


def test_the_defaults_are_the_exercises():
    assert Experiment() == Experiment(
        sizes=(2, 10, 20, 5),
        activation="Tanh",
        loss="MSELoss",
        initialisation="standard normal",
        seed=0,
        batch=1,
        eps=1e-4,
        method="central",
        data="random",
    )


def test_an_experiment_is_a_key_that_nobody_changes():
    experiment = Experiment(seed=1)
    assert {experiment: "found"}[Experiment(seed=1)] == "found"
    assert experiment != Experiment(seed=2)
    with pytest.raises(FrozenInstanceError):
        experiment.seed = 2


BAD = [
    ({"sizes": [2, 3]}, "sizes must be a tuple of at least inputs and outputs, such as (2, 10, 20, 5), not [2, 3]."),
    ({"sizes": "2-3"}, "sizes must be a tuple of at least inputs and outputs, such as (2, 10, 20, 5), not '2-3'."),
    ({"sizes": ()}, "sizes must be a tuple of at least inputs and outputs, such as (2, 10, 20, 5), not ()."),
    ({"sizes": (2,)}, "sizes must be a tuple of at least inputs and outputs, such as (2, 10, 20, 5), not (2,)."),
    ({"sizes": (0, 0)}, "Each layer needs at least 1 unit, as a whole number; 0-0 has 0."),
    ({"sizes": (2, -3, 2)}, "Each layer needs at least 1 unit, as a whole number; 2--3-2 has -3."),
    ({"sizes": (2, 3.0)}, "Each layer needs at least 1 unit, as a whole number; 2-3.0 has 3.0."),
    ({"sizes": (2, True)}, "Each layer needs at least 1 unit, as a whole number; 2-True has True."),
    ({"sizes": (2, "3")}, "Each layer needs at least 1 unit, as a whole number; 2-3 has '3'."),
    ({"sizes": (1,) * (MAX_LAYERS + 2)}, "A network can have at most 20 linear layers here; these sizes make 21."),
    ({"seed": -1}, "seed must be a whole number from 0 to 4,294,967,295, not -1."),
    ({"seed": MAX_SEED + 1}, "seed must be a whole number from 0 to 4,294,967,295, not 4294967296."),
    ({"seed": 1.0}, "seed must be a whole number from 0 to 4,294,967,295, not 1.0."),
    ({"seed": True}, "seed must be a whole number from 0 to 4,294,967,295, not True."),
    ({"seed": None}, "seed must be a whole number from 0 to 4,294,967,295, not None."),
    ({"batch": 0}, "batch must be a whole number from 1 to 1,000, not 0."),
    ({"batch": MAX_BATCH + 1}, "batch must be a whole number from 1 to 1,000, not 1001."),
    ({"batch": "8"}, "batch must be a whole number from 1 to 1,000, not '8'."),
    ({"eps": 0.0}, "eps must be above 0 and at most 1, not 0.0."),
    ({"eps": -1e-4}, "eps must be above 0 and at most 1, not -0.0001."),
    ({"eps": 1.5}, "eps must be above 0 and at most 1, not 1.5."),
    ({"eps": float("nan")}, "eps must be above 0 and at most 1, not nan."),
    ({"eps": float("inf")}, "eps must be above 0 and at most 1, not inf."),
    ({"eps": "1e-4"}, "eps must be above 0 and at most 1, not '1e-4'."),
    ({"eps": None}, "eps must be above 0 and at most 1, not None."),
    ({"eps": True}, "eps must be above 0 and at most 1, not True."),
]


@pytest.mark.parametrize(("setting", "message"), BAD, ids=lambda value: str(value)[:40])
def test_a_setting_out_of_range_is_refused_in_a_sentence(setting, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Experiment(**setting)
    assert is_sentence(message)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("value", ["banana", "", "tanh", None, 3, [], "x" * 1000])
def test_an_unknown_choice_meets_the_known_ones(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be one of ") as refusal:
        Experiment(**{name: value})
    assert is_sentence(str(refusal.value))
    assert all(known in str(refusal.value) for known in CHOICES[name])


def test_the_edges_of_every_range_are_allowed():
    for setting in (
        {"sizes": (1, 1)},
        {"sizes": (1,) * (MAX_LAYERS + 1)},
        {"seed": 0},
        {"seed": MAX_SEED},
        {"batch": 1},
        {"batch": MAX_BATCH, "sizes": (2, 2)},
        {"eps": 1e-300},
        {"eps": 1.0},
        {"eps": 1},
    ):
        assert replace(Experiment(), **setting).problem().network


@pytest.mark.parametrize("sizes", [(1, 1), (3, 2), (2, 10, 20, 5), (4, 1, 3)])
def test_the_number_of_parameters(sizes):
    experiment = Experiment(sizes)
    assert experiment.parameters == sum(p.size for p in experiment.problem().network.parameters().values())


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.is_complex])
@pytest.mark.parametrize(
    ("sizes", "batch"),
    [
        ((10, 64, 64, 10), 1),
        ((100, 50), 40),
        ((60, 50, 40, 30, 20), 8),
        ((200, 100, 50, 10), 1),
        ((200, 4), 200),  # the loss of the whole batch, for each step on one sample's input, is nearly all there is
    ],
)
def test_the_work_is_about_what_the_engine_itself_estimates(method, sizes, batch):
    experiment = Experiment(sizes, batch=batch, method=method)
    problem = experiment.problem()
    elements = structured_cost(problem.network, problem.x, method).work
    # With tanh and the mean squared error each takes some two nanoseconds, in 2.6 steps. The engine also counts what it
    # copies for each block; the settings alone say it within a factor of two.
    assert elements * 5.2 / 2 < experiment.work < 2 * elements * 5.2


@pytest.mark.parametrize(
    ("settings", "factor", "evaluations", "steps"),
    [
        # Of W and b, then of x: 2 ns for an output, 1.2 for its tanh, 0.04 for a multiplication, 2 for each loss term.
        (
            ((2, 3, 2), "Tanh", "MSELoss", 2, "central"),
            2.6,
            2,
            3 * 3 * 2 * (2 * (1 + 2) + 1.2 + 2 * 2)
            + 4 * 2 * 2 * (2 + 2 * 2)
            + 2 * 2 * (2 * 5 + 1.2 * 3 + 0.04 * 12 + 2 * 2 * 2),
        ),
        # A cross-entropy looks for the largest output of each sample besides; complex numbers are dearer.
        (
            ((3, 1, 2, 2), "Sigmoid", "CrossEntropyLoss", 1, "complex-step"),
            3.9,
            1,
            4 * 1 * (6 * (1 + 4) + 28 * (2 + 1) + 0.1 * 4 + 2 * 23 + 45)
            + 2 * 2 * (6 * (1 + 2) + 28 + 2 * 23 + 45)
            + 3 * 2 * (6 + 2 * 23 + 45)
            + 3 * (6 * 5 + 28 * 3 + 0.1 * 9 + 2 * 23 + 45),
        ),
    ],
)
def test_the_work_is_what_was_measured_for_each_of_its_parts(settings, factor, evaluations, steps):
    batch = settings[3]
    assert check_work(*settings) == round(factor * (evaluations * steps + batch * 100_000))


def test_each_sample_of_a_batch_is_a_call_however_small_the_network():
    assert Experiment((1, 1), batch=1_000).work > 1_000 * CALL


@pytest.mark.parametrize(("setting", "costs"), [("activation", ACTIVATION_COSTS), ("loss", LOSS_COSTS)])
def test_what_is_dearer_by_element_is_more_work(setting, costs):
    assert set(costs) <= set(CHOICES[setting])
    for method in ("central", "complex-step"):
        cheapest_first = sorted(costs, key=lambda name: costs[name][method == "complex-step"])
        work = [replace(Experiment((3, 4, 4, 8)), **{setting: name}, method=method).work for name in cheapest_first]
        assert work == sorted(work)
        # One that nobody has measured is taken for the dearest.
        unknown = {"activation": "Tanh", "loss": "MSELoss", setting: "?"}
        assert check_work((3, 4, 4, 8), batch=1, method=method, **unknown) >= max(work)


def test_forward_multiplications_are_those_of_the_weights():
    assert Experiment((2, 3, 2), batch=3).forward_multiplications == 3 * (2 * 3 + 3 * 2)


@pytest.fixture
def no_drawing(monkeypatch):
    """Whoever draws a single number now, fails."""

    def fail(*_):
        raise AssertionError("numbers were drawn for an experiment that is too large")

    monkeypatch.setattr(np.random, "RandomState", fail)


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        ((1000, 500), "500,500"),  # (1000 + 1) 500; one unit less is exactly the limit
        ((9999999, 2), "20,000,000"),
        # Eight exabytes of weights: only a refusal before computing can come back from this.
        ((999_999_999, 999_999_999), "999,999,999,000,000,000"),
    ],
)
def test_too_many_parameters_are_refused_with_count_and_limit(sizes, count):
    message = f"{format_sizes(sizes)} has {count} parameters; the limit is {MAX_PARAMETERS:,}. Take smaller layers."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Experiment(sizes)


def test_the_largest_number_of_parameters_is_allowed():
    assert Experiment((999, 500)).parameters == MAX_PARAMETERS


@pytest.mark.usefixtures("no_drawing")
def test_too_much_work_is_refused_with_count_and_limit():
    sizes, method = (150, 160, 150), "richardson"
    work = {batch: check_work(sizes, "Tanh", "MSELoss", batch, method) for batch in range(1, 1000)}
    affordable = max(batch for batch in work if work[batch] <= MAX_WORK)
    assert 1 < affordable < 999, "a case in which this limit is the one that bites"
    assert Experiment(sizes, batch=affordable, method=method).work <= MAX_WORK
    with pytest.raises(ValueError, match=r"^Checking 150-160-150 on [0-9]+ samples takes ") as refusal:
        Experiment(sizes, batch=affordable + 1, method=method)
    limit = f"seconds of one core; the limit is {MAX_WORK / 1e9:.0f}."
    assert f"takes about {work[affordable + 1] / 1e9:,.0f} {limit}" in str(refusal.value)


def one_hot(scores):
    return (scores == np.max(scores, axis=-1, keepdims=True)).astype(float)


# How each loss turns standard normal numbers into a target.
TARGETS = {
    "MSELoss": lambda scores: scores,
    "HuberLoss": lambda scores: scores,
    "BCEWithLogitsLoss": lambda scores: (scores > 0).astype(float),
    "CrossEntropyLoss": one_hot,
}
SCALES = {
    "standard normal": lambda inputs, outputs: 1.0,  # noqa: ARG005
    "Glorot": lambda inputs, outputs: np.sqrt(2 / (inputs + outputs)),
    "He": lambda inputs, outputs: np.sqrt(2 / inputs),  # noqa: ARG005
}


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch", [1, 4])
def test_the_order_of_drawing_is_layer_by_layer_then_x_then_target(initialisation, loss, batch):
    assert loss in TARGETS, "say in TARGETS how the new loss draws its target"
    assert initialisation in SCALES, "say in SCALES how the new initialisation scales"
    problem = Experiment((3, 4, 2), loss=loss, initialisation=initialisation, seed=11, batch=batch).problem()

    rng = np.random.RandomState(11)
    expected = {}
    for name, inputs, outputs in (("fc1", 3, 4), ("fc2", 4, 2)):
        expected[f"{name}.W"] = SCALES[initialisation](inputs, outputs) * rng.randn(outputs, inputs)
        expected[f"{name}.b"] = rng.randn(outputs) if initialisation == "standard normal" else np.zeros(outputs)
    leading = () if batch == 1 else (batch,)
    expected["x"] = rng.randn(*leading, 3)
    expected["target"] = TARGETS[loss](rng.randn(*leading, 2))

    actual = {**problem.network.parameters(), "x": problem.x, "target": problem.target}
    assert list(actual) == list(expected)
    for name, array in expected.items():
        assert np.array_equal(actual[name], array), name
    assert type(problem.loss) is LOSSES[loss]


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("batch", [1, 5])
def test_input_and_target_can_be_the_first_rows_of_a_data_set(name, batch):
    data = dataset(name, 7)
    experiment = Experiment(data.fitting((1, 4, 1)), seed=7, batch=batch, data=name)
    problem = experiment.problem()
    rows = 0 if batch == 1 else slice(batch)
    np.testing.assert_array_equal(problem.x, data.x[rows])
    np.testing.assert_array_equal(problem.target, data.target[rows])
    assert problem.x.ndim == (1 if batch == 1 else 2)
    drawn = replace(experiment, data=RANDOM).problem().network.parameters()
    for tensor, values in problem.network.parameters().items():
        np.testing.assert_array_equal(values, drawn[tensor])
    problem.x[...] = 0  # an array of its own
    assert experiment.problem().x.any()


MISFITS = [
    (
        {},
        "The data have 2 features and 2 classes, so the layer sizes must begin with 2 and end with 2",
    ),
    ({"sizes": (2, 4, 2), "batch": 161}, "The data moons have 160 training rows; the batch can have no more."),
    ({"data": "noisy curve", "sizes": (1, 1), "loss": "CrossEntropyLoss"}, "CrossEntropyLoss is for classes, and here"),
]


@pytest.mark.parametrize(("settings", "words"), MISFITS)
def test_what_does_not_fit_the_data_is_said(settings, words):
    with pytest.raises(MisfitError, match=f"^{re.escape(words)}") as refusal:
        Experiment(**{"data": "moons", **settings})
    assert is_sentence(str(refusal.value))


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_experiment_can_be_fitted_to_every_data_set(name, loss):
    data = dataset(name, 0)
    experiment = Experiment(loss=loss, batch=3)
    fitted = experiment.fitted(data)
    assert replace(fitted, data=name).problem().x.shape == (3, len(data.features))
    assert fitted.sizes[1:-1] == experiment.sizes[1:-1]
    numbers_for_classes = name == "noisy curve" and loss in {"BCEWithLogitsLoss", "CrossEntropyLoss"}
    assert fitted.loss == ("MSELoss" if numbers_for_classes else loss)


def test_a_change_that_the_data_do_not_fit_takes_random_numbers():
    moons = Experiment((2, 4, 2), data="moons")
    assert moons.changed(batch=9) == replace(moons, batch=9)
    assert moons.changed(sizes=(3, 4, 2)) == Experiment((3, 4, 2))
    assert moons.changed(data="Iris") == Experiment((2, 4, 2))
    with pytest.raises(ValueError, match=r"^Each layer needs"):
        moons.changed(sizes=(0, 2))


def test_the_first_number_of_seed_0_is_the_one_that_everybody_knows():
    # What np.random.seed(0); np.random.randn() begins with in every numpy.
    assert Experiment(seed=0).problem().network.fc1.W[0, 0] == 1.764052345967664


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_stands_between_the_linear_layers(activation):
    network = Experiment((2, 3, 3, 1), activation).problem().network
    assert list(network.layers) == ["fc1", "activation_fn1", "fc2", "activation_fn2", "fc3"]
    assert type(network.activation_fn1) is type(network.activation_fn2) is ACTIVATIONS[activation]


def test_two_draws_share_nothing():
    first, second = Experiment(seed=5).problem(), Experiment(seed=5).problem()
    first.network.fc1.W[:] = 0
    first.x[:] = 0
    assert second.network.fc1.W.all()
    assert second.x.all()


def test_drawing_leaves_the_global_stream_alone():
    np.random.seed(1)
    Experiment().problem()
    assert np.random.randn() == np.random.RandomState(1).randn()


def test_the_limits_are_those_that_people_are_told():
    told = (
        f"A visitor is limited to {MAX_PARAMETERS:,} parameters, batches of {MAX_BATCH:,}, checks of "
        f"{MAX_WORK / 1e9:.0f} seconds of one core and uploads of {MAX_BYTES / 1e6:.0f} MB."
    )
    assert told in (Path(__file__).parents[2] / "README.md").read_text()
    assert (MAX_SEED, MAX_LAYERS) == (2**32 - 1, 20)
