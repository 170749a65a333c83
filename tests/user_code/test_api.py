"""The same from Python and from a shell: check_layer, check_function, assert_gradients, python -m mlp."""

import csv
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlp import Linear, Tanh, Verdict
from mlp.testing import assert_gradients
from mlp.user_code.api import check_function, check_layer
from mlp.user_code.messages import ForeignError
from mlp.user_code.settings import override_of

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"


class Cube:
    def __init__(self, factor=1.0):
        self.factor = factor

    def forward(self, x):
        self.x = x
        return x**3

    def backward(self, dy):
        return self.factor * 3 * self.x**2 * dy


X = np.random.RandomState(0).standard_normal((3, 2))


@pytest.mark.parametrize("layer", [Cube(), Cube])
def test_an_object_or_a_class_is_checked_on_the_input_and_the_dy_given(layer):
    report = check_layer(layer, X, dy=np.ones((3, 2)))
    np.testing.assert_allclose(report["x"].analytical, 3 * X**2, rtol=1e-15)
    # Central differences of x^3 with h = 1e-4 are off by h^2 = 1e-8 exactly, plus round-off of about 1e-16 / 1e-4.
    np.testing.assert_allclose(report["x"].numerical, 3 * X**2 + 1e-8, atol=1e-11)


class Squared:
    """y = x^2, whose backward takes x for dy."""

    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dy):
        assert dy.shape == self.x.shape
        return 2 * self.x * self.x


@pytest.mark.parametrize("seed", [2, 7])
def test_no_seed_makes_an_input_that_is_the_dy_of_the_check(seed):
    x = np.random.RandomState(seed).standard_normal((4, 3))
    assert not check_layer(Squared(), x).passed
    assert check_layer(Cube(), x).passed


def test_what_gives_no_gradient_of_the_sum_of_its_outputs_is_no_constant():
    class Softmax:
        def forward(self, x):
            e = np.exp(x - x.max(axis=1, keepdims=True))
            self.y = e / e.sum(axis=1, keepdims=True)
            return self.y

        def backward(self, dy):
            return self.y * (dy - (dy * self.y).sum(axis=1, keepdims=True))

    assert check_layer(Softmax(), np.random.RandomState(8).standard_normal((4, 4))).passed


def test_the_object_itself_is_left_alone():
    cube = Cube()
    check_layer(cube, X)
    assert vars(cube) == {"factor": 1.0}


@pytest.mark.parametrize("layer", [Linear(2, 3, np.random.RandomState(0)), Tanh()])
def test_our_own_layers_go_the_same_way(layer):
    assert check_layer(layer, X).passed
    assert_gradients(layer, X)


def test_backward_starts_from_the_dy_that_is_given():
    class OfTheSum(Cube):
        def backward(self, dy):
            return super().backward(np.ones_like(dy))

    assert_gradients(OfTheSum(), X, np.ones((3, 2)))
    with pytest.raises(AssertionError, match="the gradient of x is wrong"):
        assert_gradients(OfTheSum(), X)


def test_a_gradient_that_is_clipped_inside_backward_is_wrong():
    # A dy that is small enough would hide it. It is the derivative of nothing, and clipping belongs to the update.
    class Clipped(Cube):
        def backward(self, dy):
            return np.clip(super().backward(dy), -0.1, 0.1)

    report = check_layer(Clipped(), X)
    assert report.verdict is Verdict.WRONG
    assert "cut off at 0.1" in report.diagnosis[0].sentence


def test_a_property_that_has_nothing_to_give_before_forward_is_left_alone():
    class Sized(Cube):
        @property
        def size_of_output(self):
            rows, columns = self.shape
            return rows * columns

        def forward(self, x):
            self.shape = x.shape
            return super().forward(x)

    layer = Sized()
    layer.shape = None
    assert check_layer(layer, X).passed


def test_a_class_is_made_and_checked():
    assert_gradients(Cube)


@pytest.mark.parametrize(("factor", "coarse"), [(1 + 1e-5, {"eps": 1e-2}), (1 + 1e-9, {"method": "central"})])
def test_step_and_method_decide_how_small_a_fault_is_seen(factor, coarse):
    # Of x^3 central differences are off by h^2, and the five-point method, being of fourth order, by rounding alone.
    assert_gradients(Cube(factor), X, **coarse)
    with pytest.raises(AssertionError, match="the gradient of x is wrong"):
        assert_gradients(Cube(factor), X, method="five-point")


def test_the_message_of_a_failure_names_the_tensor_its_worst_entries_and_the_code():
    with pytest.raises(AssertionError) as failure:
        assert_gradients(Cube(factor=-1), X)
    message = str(failure.value)
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(X)), X.shape))
    assert message.startswith("Cube: the gradient of x is wrong\n")
    assert "x[" in message
    assert "backward gives" in message
    assert "differences give" in message
    assert "compared: x with returned" in message
    assert worst is not None


def test_a_backward_that_raises_fails_with_its_line():
    class Raises(Cube):
        def backward(self, dy):
            return dy + np.ones(17)

    with pytest.raises(AssertionError, match=r"could not be checked[\s\S]*test_api.py:\d+ in backward: return dy \+"):
        assert_gradients(Raises(), X)


def test_settings_are_those_of_gradcheck():
    class Named:
        def __init__(self):
            self.mixing = np.eye(2)

        def go(self, x):
            self.x = x
            return x @ self.mixing

        def come_back(self, dy):
            self.slope = self.x.T @ dy
            return dy @ self.mixing.T

    settings = {"forward": "go", "backward": "come_back", "pairs": {"mixing": "slope"}}
    report = check_layer(Named(), X, **settings)
    assert set(report) == {"mixing", "x"}
    assert report.passed


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"pair": {}}, "'pair', which is no setting; did you mean 'pairs'"),
        ({"pairs": "dW"}, "'pairs' must be a dict from parameter to gradient"),
        ({"orientation": "upwards"}, "'orientation' must be one of rows, columns, single"),
        ({"target": "two-hot"}, "'target' must be an array or one of normal, one-hot"),
        ({"args": [1, 2, 3, 4]}, "'args' do not fit"),
        ([], "must be a dict of settings"),
    ],
)
def test_wrong_settings_are_told_in_a_sentence(settings, words):
    with pytest.raises(ForeignError) as error:
        override_of(settings, "GRADCHECK['Cube']", None, Cube)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("fun", "grad"),
    [
        (lambda x: np.sum(x**2), lambda x: 2 * x),
        (np.sin, np.cos),
        (lambda x: np.sin(x).ravel(), lambda x: np.diag(np.cos(x).ravel())),
    ],
)
def test_functions_are_checked_whether_the_derivative_is_gradient_entries_or_jacobian(fun, grad):
    assert check_function(fun, grad, X).passed
    assert not check_function(fun, lambda x: 1.001 * np.asarray(grad(x)), X).passed


def test_a_gradient_of_another_shape_is_told():
    with pytest.raises(ForeignError, match="shape"):
        check_function(lambda x: np.sum(x**2), lambda x: 2 * x[0], X)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "mlp", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_shell_says_0_when_all_is_right():
    result = run(str(CORPUS / "activations.py"))
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("\n9 right\n")


def test_the_shell_says_1_and_writes_every_entry_when_something_is_wrong(tmp_path):
    out, few = tmp_path / "out.csv", tmp_path / "few.py"
    # The first classes of the file alone: all of them would take long.
    few.write_text((CORPUS / "wrong.py").read_text().partition("class NoUpstream")[0])
    result = run(str(few), "--csv", str(out))
    assert result.returncode == 1
    assert "SignFlipped" in result.stdout
    with out.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["layer"] == "SignFlipped" and row["tensor"] == "b"]
    assert [row["i"] for row in rows] == ["0", "1", "2"]
    assert [row["j"] for row in rows] == ["", "", ""]
    for row in rows:
        # The differences of a linear function are exact but for round-off, about 1e-16 / 1e-4 of the values.
        assert float(row["analytical"]) == pytest.approx(-float(row["numerical"]), rel=1e-9)


@pytest.mark.parametrize(
    "arguments",
    [[], ["no_such_file.py"], ["x.py", "--eps", "-1"], ["x.py", "--method", "sideways"], ["--csv"]],
)
def test_the_shell_says_2_when_it_was_called_wrongly(arguments):
    assert run(*arguments).returncode == 2


def test_a_module_name_does_as_well_as_a_file():
    result = run("tests.user_code.corpus.activations")
    assert result.returncode == 0, result.stdout


def test_check_layer_hears_what_the_command_line_hears():
    class Twice:
        def forward(self, x):
            x *= 2
            return x

        def backward(self, dy):
            return 2 * dy

    report = check_layer(Twice(), np.ones((2, 3)))
    assert report.passed
    assert any("Twice.forward changes its input in place" in remark.sentence for remark in report.remarks)


class Embedding:
    """Rows of a matrix by their numbers; one that comes up several times has the sum of its gradients."""

    adds_up = True

    def __init__(self):
        self.E = np.random.RandomState(0).standard_normal((7, 3))

    def forward(self, ids):
        self.ids = ids
        return self.E[ids]

    def backward(self, dy):
        self.dE = np.zeros_like(self.E)
        if self.adds_up:
            np.add.at(self.dE, self.ids, dy)
        else:
            self.dE[self.ids] = dy


class Overwriting(Embedding):
    adds_up = False


@pytest.mark.parametrize("ids", [[1, 2, 1, 5], [[1, 2, 1], [0, 6, 3]]])
def test_whole_numbers_are_ids_where_forward_takes_no_others(ids):
    right, wrong = (check_layer(layer, np.array(ids)) for layer in (Embedding(), Overwriting()))
    assert right.passed
    assert list(right) == list(wrong) == ["E"]
    off = np.abs(wrong["E"].difference).max(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(off > 1e-6), [1])  # the one that is repeated; the rest is rounding


def test_whole_numbers_are_an_input_like_any_other_where_forward_multiplies_them():
    class Half:
        def forward(self, x):
            return x / 2

        def backward(self, dy):
            return dy / 2

    report = check_layer(Half(), np.arange(6).reshape(2, 3))
    assert report.passed
    assert list(report) == ["x"]


class Dropping:
    """It draws by np.random and random, a draw of each in every forward, and raises if it is told to."""

    def __init__(self, raises=False):
        self.raises = raises

    def forward(self, x):
        self.mask = (np.random.randn(*x.shape) > 0) * random.random()
        if self.raises:
            raise ValueError
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


@pytest.mark.parametrize("raises", [False, True])
def test_the_callers_random_numbers_go_on_as_if_nothing_had_been_checked(raises):
    np.random.seed(3)
    random.seed(3)
    np.random.randn()  # of a pair, whose other one is drawn next
    before = np.random.get_state(), random.getstate()
    if raises:
        with pytest.raises(ForeignError):
            check_layer(Dropping, args={"raises": True})
    else:
        assert check_layer(Dropping).passed
    for now, then in zip(np.random.get_state(), before[0], strict=True):
        np.testing.assert_array_equal(now, then)
    assert random.getstate() == before[1]
