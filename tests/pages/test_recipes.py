"""The recipes of ARCHITECTURE.md, each carried out: what is added in one place is there in every other."""

import numpy as np
import pytest

from mlp import (
    ACTIVATIONS,
    LOSSES,
    OPTIMISERS,
    Activation,
    Layer,
    MSELoss,
    Optimiser,
    Sequential,
    Tanh,
    Verdict,
    check_gradients,
    dense_layers,
)
from mlp.check.check import check_layer
from mlp.check.gallery import GALLERY
from mlp.check.gallery.bug import bug
from mlp.check.gallery.linear import Gradients, WrongLinear
from mlp.lab import training
from mlp.lab.datasets import DATASETS, Source
from mlp.lab.experiment import Experiment
from mlp.lab.training_run import Run
from mlp.nn.arrays import Array, as_numbers, as_real
from mlp.nn.losses import ElementwiseLoss
from mlp.report import programs
from mlp.report.programs import catalogue
from tests.pages.conftest import PAGES
from tests.programs import run


class Cube(Activation):
    """x^3."""

    formula = "x^3"
    derivative_formula = "3 x^2"

    @staticmethod
    def function(x: Array) -> Array:
        return x**3

    @staticmethod
    def derivative(x: Array) -> Array:
        return 3 * x**2


class QuarticLoss(ElementwiseLoss):
    """The mean of (y - t)^4."""

    formula = r"c = \frac{1}{n} \sum_i (y_i - t_i)^4"
    gradient_formula = r"\frac{4}{n} (y_i - t_i)^3"

    @staticmethod
    def terms(y: Array, target: Array) -> Array:
        return (y - target) ** 4

    @staticmethod
    def gradient(y: Array, target: Array) -> Array:
        return 4 * (y - target) ** 3 / y.size


@pytest.fixture
def registered(monkeypatch):
    """An activation, a loss and a bug of one's own, and the experiment that uses the first two."""
    monkeypatch.setitem(ACTIVATIONS, "Cube", Cube)
    monkeypatch.setitem(LOSSES, "QuarticLoss", QuarticLoss)
    gallery = dict(GALLERY)

    @bug(
        "twice the bias",
        wrong="db = 2 * dy.sum(axis=0)",
        right="db = dy.sum(axis=0)",
        pattern="constant factor",
    )
    class TwiceTheBias(WrongLinear):
        """Forward adds b once, backward counts it twice."""

        def _wrong(self, dy: Array, x: Array, right: Gradients) -> Gradients:  # noqa: ARG002
            return right._replace(db=2 * right.db)

    yield Experiment(sizes=(3, 4, 2), activation="Cube", loss="QuarticLoss")
    GALLERY.clear()
    GALLERY.update(gallery)


def test_a_new_activation_and_a_new_loss_pass_the_check(registered):
    report = check_gradients(*registered.problem())
    assert report.passed
    assert not report.diagnosis


@pytest.mark.one_in(3)
@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_them(open_page, page):
    app = open_page(page, activation="Cube", loss="QuarticLoss", sizes="3-4-2", python="true", ready="true")
    assert not app.exception
    assert not app.warning
    assert app.get("plotly_chart")
    assert app.selectbox(key="activation").value == "Cube"


@pytest.mark.parametrize(
    "written",
    [
        lambda experiment: programs.gradient_check(experiment, "fc1.W"),
        programs.network,
        lambda experiment: programs.step_size(experiment, "fc1.W"),
        programs.computing,
        lambda _: programs.activation("Cube", [1.0], [1.0], 1e-4, "central"),
        lambda _: programs.loss("QuarticLoss", [1.0], [1.0], 1e-4, "central"),
    ],
)
def test_without_an_entry_in_the_catalogue_a_program_is_offered_in_mlp(registered, written):
    assert set(written(registered)) == {"mlp"}


def test_an_entry_in_the_catalogue_offers_every_language_it_has_a_formula_for(registered, monkeypatch):
    cube = catalogue.Formula(numpy="z**3", derivative="3 * z**2", torch="z**3", jax="")
    quartic = catalogue.Formula(
        numpy="np.mean((y - target) ** 4)",
        derivative="4 * (y - target) ** 3 / y.size",
        torch="torch.mean((y - target) ** 4)",
        jax="jnp.mean((y - target) ** 4)",
    )
    monkeypatch.setitem(catalogue.ACTIVATIONS, "Cube", cube)
    monkeypatch.setitem(catalogue.LOSSES, "QuarticLoss", quartic)
    monkeypatch.setitem(catalogue.TARGETS, "QuarticLoss", catalogue.TARGETS["MSELoss"])
    written = programs.gradient_check(registered, "fc1.W")
    assert list(written) == ["mlp", "numpy", "PyTorch"]
    printed = run(written["numpy"])["analytical gradient of fc1.W"]
    # The same few dozen products and sums in another order.
    np.testing.assert_allclose(printed, check_gradients(*registered.problem())["fc1.W"].analytical, rtol=1e-12)


@pytest.mark.usefixtures("registered")
def test_a_new_bug_is_planted_found_and_named(open_page):
    app = open_page("bug_gallery", bug="twice the bias", place="fc1")
    assert not app.exception
    shown = "\n".join(block.value for block in (*app.markdown, *app.error, *app.warning, *app.info, *app.success))
    assert "Forward adds b once, backward counts it twice." in shown
    assert "fc1: db is right but for a constant factor; the factor is 2" in shown


class Scale(Layer):
    """y = a x with one number a: a layer that is no linear layer, by `apply`, `forward` and `backward` alone."""

    parameter_names = ("a",)

    def __init__(self, a):
        self.a = np.array(float(a))

    def apply(self, x):
        return self.a * as_numbers("x", x)

    def forward(self, x):
        self.x = as_real("x", x).copy()
        return self.apply(self.x)

    def backward(self, dy):
        self.grad_a = np.sum(dy * self.x)
        return self.a * dy


class ScaleForgotten(Scale):
    def backward(self, dy):
        super().backward(dy)
        return np.array(dy)


def test_a_layer_that_is_no_linear_layer_is_checked_alone_and_in_a_network():
    rng = np.random.RandomState(0)
    x, target = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    assert check_layer(Scale(3.0), x).passed
    for scale, verdict in ((Scale, Verdict.CONSISTENT), (ScaleForgotten, Verdict.WRONG)):
        layers = dense_layers((3, 4, 2), Tanh, rng)
        network = Sequential(fc1=layers["fc1"], scale=scale(3.0), act=Tanh(), fc2=layers["fc2"])
        report = check_gradients(network, MSELoss(), x, target)
        assert report.verdict is verdict
        assert list(report) == ["fc1.W", "fc1.b", "scale.a", "fc2.W", "fc2.b", "x"]
    assert report.diagnosis[0].layer == "scale"


class SignSGD(Optimiser):
    """p -= rate sign(g)."""

    def update(self, parameters, gradients):
        for name in parameters:
            parameter = parameters[name]
            parameter -= self.rate * np.sign(gradients[name])


def stripes(rng, count):
    """Two stripes, one above the other."""
    labels = np.arange(count) % 2
    return np.stack([rng.standard_normal(count), labels + 0.1 * rng.standard_normal(count)], axis=1), labels


def test_a_new_optimiser_and_new_data_are_trained_with_and_written_out(monkeypatch):
    monkeypatch.setitem(OPTIMISERS, "sign", SignSGD)
    monkeypatch.setitem(DATASETS, "stripes", Source(stripes, 60, ("x1", "x2"), ("low", "high"), True))
    monkeypatch.setattr(training, "DATA", (*training.DATA, "stripes"))
    experiment = Experiment((2, 3, 2), loss="CrossEntropyLoss")
    trained = Run(training.Training(experiment, "stripes", "sign", 0.01, 100))
    trained.advance(100)
    assert trained.history["test accuracy"][-1] == 1
    assert trained.data.about == "Two stripes, one above the other."
    assert set(programs.training(trained)) == {"mlp"}
    update = catalogue.Update(kept=(), numpy="p -= rate * np.sign(g)", torch="")
    monkeypatch.setitem(catalogue.OPTIMISERS, "sign", update)
    written = programs.training(trained)
    assert list(written) == ["mlp", "numpy"]
    # A hundred steps from the same rows: the same sums in another order, and steps of one size.
    np.testing.assert_allclose(run(written["numpy"])["loss"], trained.history["loss"], rtol=1e-10)
