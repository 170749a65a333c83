"""The programs for networks run, and print what the package computes: every activation, loss, method and draw."""

import subprocess
import sys

import numpy as np
import pytest

from mlp import ACTIVATIONS, INITIALISATIONS, LOSSES, METHODS, Method, check_gradients
from mlp.check.jacobians import jacobian_flow
from mlp.differences.networks import loss_gradients
from mlp.differences.sweep import affordable, leading, sampled, sweep
from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import EPS_STEPS
from mlp.nn.activations import Tanh
from mlp.nn.losses import MSELoss
from mlp.nn.trace import jacobians_by_backward, trace
from mlp.report import programs
from tests.comparing import assert_close
from tests.programs import RTOL, assert_within, loss_noise, noise, quotient_tolerance, run

LANGUAGES = {"mlp", "numpy", "PyTorch", "JAX"}
AUTOMATIC = {"PyTorch": "torch", "JAX": "jax"}


def experiments():
    """Every name in every registry at least once, each activation with one sample and with a batch."""
    lists = [list(registry) for registry in (LOSSES, INITIALISATIONS, METHODS)]
    for i in range(max(len(ACTIVATIONS), *map(len, lists))):
        activation = list(ACTIVATIONS)[i % len(ACTIVATIONS)]
        loss, initialisation, method = (names[i % len(names)] for names in lists)
        for batch in (1, 3):
            yield Experiment((3, 4, 5, 2), activation, loss, initialisation, i, batch, 0.0012345678, method)
    yield Experiment((2, 3))
    yield Experiment((1, 1, 1), loss="BCEWithLogitsLoss", seed=4)
    yield Experiment((2,) * 21, initialisation="Glorot", eps=2e-6)
    yield Experiment((1, 4, 1), seed=2, data="noisy curve")
    yield Experiment((4, 5, 3), loss="CrossEntropyLoss", batch=3, data="Iris")
    yield Experiment((2, 3, 2), batch=2, data="rows of classes: 0.5,-1.0>1.0,0.0;0.1,2e-17>0.0,1.0")


every_experiment = pytest.mark.parametrize(
    "experiment", [*experiments()], ids=lambda e: "-".join(map(str, vars(e).values()))
)


def automatic(label):
    """The module of a language that differentiates by itself, or skip where it is not installed."""
    return pytest.importorskip(AUTOMATIC[label])


def checked(experiment):
    problem = experiment.problem()
    return problem, check_gradients(*problem, experiment.eps, experiment.method)


def tolerance(experiment, problem, check):
    return quotient_tolerance(loss_noise(*problem), experiment.eps, experiment.method, np.abs(check.analytical).max())


@pytest.mark.one_in(3)
@every_experiment
@pytest.mark.parametrize("tensor", ["fc1.W", "fc1.b", "x"])
def test_gradient_check(experiment, tensor):
    offered = programs.gradient_check(experiment, tensor)
    problem, report = checked(experiment)
    check = report[tensor]

    printed = run(offered["mlp"])
    assert printed["loss"] == report.loss
    np.testing.assert_array_equal(printed[f"analytical gradient of {tensor}"], check.analytical)
    np.testing.assert_array_equal(printed[f"numerical gradient of {tensor}"], check.numerical)
    assert printed["largest difference"] == check.max_abs_difference
    assert printed["np.allclose"] == check.judgements["np.allclose"].accepted

    printed = run(offered["numpy"])
    allowed = tolerance(experiment, problem, check)
    assert_close(printed["loss"], report.loss, RTOL, "the loss")
    assert_close(printed[f"analytical gradient of {tensor}"], check.analytical, RTOL, tensor)
    assert_within(printed[f"numerical gradient of {tensor}"], check.numerical, allowed, tensor)
    assert_within(printed["largest difference"], check.max_abs_difference, allowed, "largest difference")
    assert printed["np.allclose"] == check.judgements["np.allclose"].accepted


@pytest.mark.one_in(6)
@pytest.mark.parametrize("label", AUTOMATIC)
@every_experiment
def test_gradients_derived_automatically(experiment, label):
    automatic(label)
    report = checked(experiment)[1]
    for tensor in ("fc1.W", "x"):
        printed = run(programs.gradient_check(experiment, tensor)[label])
        assert_close(printed["loss"], report.loss, RTOL, "the loss")
        assert_close(printed[f"analytical gradient of {tensor}"], report[tensor].analytical, RTOL, tensor)


def passes(experiment):
    """What every step of both passes gives, under the labels of the programs."""
    expected = {}
    for step in trace(*experiment.problem()):
        expected[f"{step.direction} {step.name}"] = step.result
        expected |= {f"d{name} of {step.name}": gradient for name, gradient in step.gradients.items()}
    return expected


def first_sample(experiment):
    network, _, x, _ = experiment.problem()
    return network, x if experiment.batch == 1 else x[0]


@every_experiment
def test_network(experiment):
    network, x = first_sample(experiment)
    flow = jacobian_flow(network, x, experiment.eps, experiment.method)
    exact = {**passes(experiment), "Jacobian of the network": flow.whole}
    exact |= {f"singular values of {name}": values for name, values in flow.singular_values.items()}
    offered = programs.network(experiment)
    ours, numpys = run(offered["mlp"]), run(offered["numpy"])
    numerical = "numerical Jacobian of the network"
    assert set(ours) == set(numpys) == {*exact, numerical}
    for label, values in {**exact, numerical: flow.numerical}.items():
        np.testing.assert_array_equal(ours[label], values, err_msg=label)
    for label, values in exact.items():
        assert_close(numpys[label], values, RTOL, label)
    scale = np.abs(flow.whole).max()
    allowed = quotient_tolerance(np.max(noise(network, x)), experiment.eps, experiment.method, scale)
    assert_within(numpys[numerical], flow.numerical, allowed, numerical)


@pytest.mark.parametrize("label", AUTOMATIC)
@every_experiment
def test_network_derived_automatically(experiment, label):
    automatic(label)
    expected = {**passes(experiment), "Jacobian of the network": jacobians_by_backward(*first_sample(experiment))["x"]}
    # JAX hands out no gradients between the layers.
    between = {step for step in expected if step.startswith("backward") and step != "backward fc1"}
    printed = run(programs.network(experiment)[label])
    assert set(printed) == set(expected) - (between if label == "JAX" else set())
    for name, values in printed.items():
        assert_close(values, expected[name], RTOL, name)


# The last has 104 entries, more than are moved.
@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("experiment", "tensor"),
    [
        (Experiment((2, 3, 2), activation="Softplus"), "fc1.W"),
        (Experiment((2, 3), loss="CrossEntropyLoss", batch=2), "x"),
        (Experiment((13, 8, 2)), "fc1.W"),
    ],
)
def test_step_size(experiment, tensor):
    problem = experiment.problem()
    fun, values = problem.function(tensor), problem.tensors()[tensor]
    truth = loss_gradients(*problem, 1e-20, "complex-step")[tensor]
    indices = leading(truth, affordable(experiment.forward_multiplications))
    result = sweep(sampled(fun, values, indices), np.array([values[index] for index in indices]), EPS_STEPS)
    offered = programs.step_size(experiment, tensor)
    ours, numpys = run(offered["mlp"]), run(offered["numpy"])
    np.testing.assert_array_equal(numpys["steps"], result.steps)
    for method in METHODS:
        for name, errors in {"largest": result.largest, "median": result.median}.items():
            label = f"{name}{' sampled' if len(indices) < values.size else ''} error of {method}"
            np.testing.assert_array_equal(ours[label], errors[method])
            for eps, one, other in zip(EPS_STEPS, numpys[label], errors[method], strict=True):
                allowed = quotient_tolerance(loss_noise(*problem), eps, method, np.abs(result.truth).max())
                assert_within(one, other, allowed, f"{label} at {eps:g}")


def test_mlp_programs_need_no_dashboard_and_numpy_programs_no_mlp(tmp_path):
    experiment = Experiment((2, 3, 2))
    makers = (programs.network, lambda e: programs.gradient_check(e, "x"))
    ours = "\n".join(make(experiment)["mlp"] for make in makers)
    numpys = "\n".join(make(experiment)["numpy"] for make in makers)
    dashboard = "import sys; assert not {'streamlit', 'plotly', 'pandas'} & set(sys.modules)"
    alone = "import sys; assert not any(name.startswith('mlp') for name in sys.modules)"
    for text, folder in ((f"{ours}\n{dashboard}", None), (f"{numpys}\n{alone}", tmp_path)):
        subprocess.run([sys.executable, "-W", "error", "-c", text], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("setting", "names"),
    [("activation", ACTIVATIONS), ("loss", LOSSES), ("initialisation", INITIALISATIONS), ("method", METHODS)],
)
def test_every_name_is_known_in_every_language(setting, names):
    for name in names:
        offered = programs.gradient_check(Experiment(**{setting: name}), "x")
        assert set(offered) == LANGUAGES, f"{name} lacks a formula: see mlp/report/programs/catalogue.py"


def test_what_a_language_does_not_know_it_is_not_offered_for(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "Cube", type("Cube", (Tanh,), {}))
    monkeypatch.setitem(LOSSES, "Quartic", type("Quartic", (MSELoss,), {}))
    monkeypatch.setitem(INITIALISATIONS, "zeros", lambda _, n, m: (np.zeros((m, n)), np.zeros(m)))
    for unknown in ({"activation": "Cube"}, {"loss": "Quartic"}, {"initialisation": "zeros"}):
        experiment = Experiment((2, 3, 2), **unknown)
        for offered in (
            programs.gradient_check(experiment, "x"),
            programs.network(experiment),
            programs.step_size(experiment, "x"),
        ):
            assert set(offered) == {"mlp"}
    assert set(programs.activation("Cube", [1.0], [1.0], 1e-4, "central")) == {"mlp"}
    assert set(programs.loss("Quartic", [1.0], [1.0], 1e-4, "central")) == {"mlp"}


def test_a_new_real_method_is_written_by_its_offsets(monkeypatch):
    # Three points, irrational: no fraction will do for these weights.
    s = 2**0.5
    monkeypatch.setitem(METHODS, "skewed", Method("skewed", (0, 1, s), (-(1 + s) / s, s / (s - 1), 1 / (s - s * s)), 2))
    experiment = Experiment((2, 3, 2), method="skewed", eps=1e-3)
    problem, report = checked(experiment)
    printed = run(programs.gradient_check(experiment, "fc1.W")["numpy"])["numerical gradient of fc1.W"]
    allowed = tolerance(experiment, problem, report["fc1.W"])
    assert_within(printed, report["fc1.W"].numerical, allowed, "the numerical gradient")


@pytest.mark.parametrize("method", METHODS)
def test_a_quotient_of_two_values_is_written_as_in_a_textbook(method):
    text = programs.gradient_check(Experiment(method=method), "x")["numpy"]
    assert ("offsets" in text) == (method in ("five-point", "richardson"))


def test_numbers_are_written_as_people_write_them():
    text = programs.gradient_check(Experiment(method="five-point", loss="HuberLoss", eps=1e-4), "x")["numpy"]
    assert "[2 / 3, -2 / 3, -1 / 12, 1 / 12]" in text
    assert "eps=1e-4)" in text
    assert ".real" not in text
    # What compares numbers compares real parts where a step makes them complex.
    bent = Experiment(activation="ReLU", loss="HuberLoss", method="complex-step")
    for text in (programs.gradient_check(bent, "x")["numpy"], programs.network(bent)["numpy"]):
        assert ".real > 0" in text
    text = programs.network(Experiment((4, 5, 3), loss="CrossEntropyLoss", batch=3, data="Iris"))["numpy"]
    assert "\n# Rows of the data, Iris.\n" in text
    text = programs.step_size(Experiment(), "x")["numpy"]
    assert "128 / 45" in text
    # What does not fit in a row of the table goes on below its bracket.
    [row] = [k for k, line in enumerate(text.splitlines()) if line.startswith('    "richardson": (')]
    first, second = text.splitlines()[row : row + 2]
    assert second.index("[") == first.index("[")
