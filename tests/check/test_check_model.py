"""check_model: a whole model as a function, its right gradients passed and each kind of wrong one named."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mlp import Verdict, check_model
from mlp.check.model import Model

RNG = np.random.RandomState(3)
X, Y = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 2))
PARAMETERS = {
    name: RNG.standard_normal(shape) for name, shape in [("W1", (3, 4)), ("b1", 4), ("W2", (4, 2)), ("b2", 2)]
}


def model(parameters: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """The mean squared error of a net with one hidden layer, and its gradients."""
    hidden = np.tanh(X @ parameters["W1"] + parameters["b1"])
    error = hidden @ parameters["W2"] + parameters["b2"] - Y
    dy = 2 * error / len(X)
    dhidden = dy @ parameters["W2"].T * (1 - hidden**2)
    gradients = {"W1": X.T @ dhidden, "b1": dhidden.sum(0), "W2": hidden.T @ dy, "b2": dy.sum(0)}
    return np.sum(error**2) / len(X), gradients


def altered(name: str, change: Any) -> Any:
    """The model with one gradient changed."""

    def function(parameters: dict[str, Any]) -> Any:
        value, gradients = model(parameters)
        return value, gradients | {name: change(gradients[name])}

    return function


def test_right_gradients_pass_and_the_report_has_the_parameters_in_their_order() -> None:
    report = check_model(model, PARAMETERS)
    assert report.passed
    assert list(report) == list(PARAMETERS)
    assert report.loss == pytest.approx(model(PARAMETERS)[0], rel=1e-15)
    np.testing.assert_array_equal(report["W1"].analytical, model(PARAMETERS)[1]["W1"])


@pytest.mark.parametrize("spelling", ["d{}", "grad_{}", "d_{}", "{}_grad"])
def test_gradients_are_found_under_the_usual_names(spelling: str) -> None:
    def function(parameters: dict[str, Any]) -> Any:
        value, gradients = model(parameters)
        return value, {spelling.format(name): gradient for name, gradient in gradients.items()}

    assert check_model(function, PARAMETERS).passed


@dataclass
class Pair:
    """A structure of two members."""

    W: Any
    b: Any


@pytest.mark.parametrize(
    ("structure", "names"),
    [
        (np.array([1.0, 2.0]), ["parameters"]),
        ([np.array([1.0, 2.0]), np.array(3.0)], ["0", "1"]),
        ((np.array([1.0]), {"b": np.array([[3.0]])}), ["0", "1.b"]),
        ({"layers": [Pair(np.array([1.0]), np.array([2.0]))]}, ["layers.0.W", "layers.0.b"]),
    ],
)
def test_any_structure_is_handed_on_as_it_is(structure: Any, names: list[str]) -> None:
    def squares(node: Any) -> tuple[Any, Any]:
        if isinstance(node, dict):
            parts = {key: squares(child) for key, child in node.items()}
            return sum(v for v, _ in parts.values()), {key: g for key, (_, g) in parts.items()}
        if isinstance(node, Pair):
            (v, gv), (w, gw) = squares(node.W), squares(node.b)
            return v + w, Pair(gv, gw)
        if isinstance(node, (list, tuple)):
            pairs = [squares(child) for child in node]
            return sum(v for v, _ in pairs), type(node)(g for _, g in pairs)
        return np.sum(node**2), 2 * node

    report = check_model(squares, structure)
    assert report.passed
    assert list(report) == names


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("W1", lambda g: 2 * g, "factor is 2"),
        ("b2", lambda g: -g, "wrong sign"),
        ("W2", lambda g: 1.00001 * g, "1.00001"),
        ("b1", lambda g: g[None], "(1, 4), but b1 has the shape (4,)"),
        ("b1", lambda _: None, "no gradient of b1"),
    ],
)
def test_a_wrong_gradient_is_called_wrong_and_the_fault_named(name: str, change: Any, words: str) -> None:
    report = check_model(altered(name, change), PARAMETERS)
    assert report.verdict is Verdict.WRONG
    assert words in report.summary
    assert [check.name for check in report.values() if check.verdict is Verdict.WRONG] == [name]


@pytest.mark.parametrize(("factor", "words"), [(0.1, "0.1 times W2 is missing"), (-0.3, "0.3 times W2 is too much")])
def test_a_penalty_that_is_not_in_the_gradient_as_in_the_value_is_named(factor: float, words: str) -> None:
    def function(parameters: dict[str, Any]) -> Any:
        value, gradients = model(parameters)
        W = parameters["W2"]
        return value + 0.2 * np.sum(W**2), gradients | {"W2": gradients["W2"] + (0.4 - factor) * W}

    (finding,) = check_model(function, PARAMETERS).diagnosis
    assert finding.sentence.startswith(f"function: dW2 is right but for one term: {words}.")
    assert (finding.layer, finding.tensors, finding.pattern, finding.measured) == ("", ("dW2",), "penalty", words)


def test_a_parameter_whose_name_is_a_number_is_not_written_as_one() -> None:
    """Of a list of parameters, and lists in it, the names are their places."""

    def function(parameters: Any) -> Any:
        a, (b, W) = parameters
        gradients = [2 * a, [1.1 * np.cos(b) + 0.1 * b, np.cos(W) + 0.1 * W]]
        return np.sum(a**2) + np.sum(np.sin(b)) + np.sum(np.sin(W)), gradients

    rng = np.random.RandomState(0)
    findings = check_model(function, [rng.randn(3), [rng.randn(3), rng.randn(3, 2)]]).diagnosis
    (penalty, other) = findings
    assert "dp[1.1] is right but for one term: 0.1 times p[1.1] is too much." in penalty.sentence
    assert "reg * sum(p[1.1]**2) is 2 * reg * p[1.1]" in penalty.sentence
    assert "1.0" not in re.sub(r"p\[[\d.]*\]", "", other.sentence)
    assert [one.tensors for one in findings] == [("dp[1.1]",), ("dp[1.0]",)]


def test_a_mean_that_is_divided_by_one_less_than_the_number_of_its_terms_is_told() -> None:
    rows = np.random.RandomState(0).standard_normal((7, 3))

    def spread(w: Any) -> Any:
        n = len(rows)
        return np.sum((rows - w) ** 2) / n, -2 * np.sum(rows - w, axis=0) / (n - 1)

    (finding,) = check_model(spread, np.ones(3)).diagnosis
    assert "the factor is 1.16667 (perhaps divided by one less than `n`)" in finding.sentence


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (np.s_[:, :1], "only the first of the 3 places along axis 1 goes back"),
        (np.s_[:, :-1], "the last of the 3 places along axis 1 does not go back"),
    ],
)
def test_a_place_that_a_sum_leaves_out_is_told_where_there_is_no_dy(part: Any, words: str) -> None:
    rng = np.random.RandomState(0)
    x, target = rng.standard_normal((4, 3, 2)), rng.standard_normal((4, 3, 5))

    def function(W: Any) -> Any:
        error = x @ W - target
        return np.sum(error**2) / 2, np.einsum("ntk,ntj->kj", x[part], error[part])

    (finding,) = check_model(function, rng.standard_normal((2, 5))).diagnosis
    assert f" does not add up over all steps: from `x @ W` to `W` {words}." in finding.sentence


def test_of_a_gradient_that_is_a_multiple_of_its_parameter_a_factor_is_told_and_no_penalty() -> None:
    (finding,) = check_model(lambda W: (np.sum(W**2), W), np.arange(1.0, 6.0)).diagnosis
    assert "penalty" not in finding.sentence
    assert "0.5" in finding.sentence


def test_the_callers_parameters_stay_as_they_are_and_an_update_in_place_is_told() -> None:
    def step(parameters: dict[str, Any]) -> Any:
        value, gradients = model(parameters)
        parameters["W1"] -= 0.1 * gradients["W1"]
        return value, gradients

    before = PARAMETERS["W1"].copy()
    with pytest.raises(ValueError, match="changes its parameter W1 in place"):
        check_model(step, PARAMETERS)
    np.testing.assert_array_equal(PARAMETERS["W1"], before)


@pytest.mark.parametrize(
    ("function", "parameters", "error", "words"),
    [
        (model, {}, ValueError, "holds no array"),
        (model, {"W1": np.array([1j])}, TypeError, "W1"),
        (lambda _: 1.0, np.ones(2), ValueError, "two things"),
        (lambda p: (p, p), np.ones(2), ValueError, "one number"),
    ],
)
def test_bad_input_is_one_plain_sentence(function: Any, parameters: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        check_model(function, parameters)


def test_a_large_model_is_looked_at_in_part_and_the_report_says_so() -> None:
    weights = {"W": RNG.standard_normal((300, 400)), "b": RNG.standard_normal(3)}

    def wrong_at(entry: slice) -> Any:
        def function(parameters: dict[str, Any]) -> Any:
            gradients = {name: 2 * array for name, array in parameters.items()}
            gradients["W"][entry] *= 1.5
            return sum(np.sum(array**2) for array in parameters.values()), gradients

        return function

    report = check_model(wrong_at(slice(0, 0)), weights, seconds=0.05)
    notes = [remark.sentence for remark in report.remarks if remark.sentence.startswith("W: ")]
    assert report.passed
    assert report["b"].analytical.size >= 1
    assert len(notes) == 1
    assert notes[0] in report.summary
    assert f"W: {report['W'].analytical.size:,} of 120,000 entries were looked at" in notes[0]
    half = check_model(wrong_at(slice(150, 300)), weights, seconds=0.05)
    assert half.verdict is Verdict.WRONG
    row = int(half.remarks[0].sentence.split(" is W[")[1].split(",")[0])
    assert row >= 150  # the worst entry is told by its own index


def test_so_many_entries_as_are_asked_for_are_drawn_over_all_parameters_and_one_of_each_at_least() -> None:
    whole = Model(model, PARAMETERS, PARAMETERS, {})
    assert whole.drawn(26) is whole  # all there are
    for count in (1, 10, 25):
        drawn = whole.drawn(count)
        sizes = {name: array.size for name, array in drawn.arrays.items()}
        assert list(sizes) == list(PARAMETERS)
        assert min(sizes.values()) >= 1
        assert max(count, len(PARAMETERS)) <= sum(sizes.values()) <= count + len(PARAMETERS)
        for name, array in drawn.arrays.items():
            places = drawn.places.get(name, np.arange(PARAMETERS[name].size))
            assert len(set(places.tolist())) == len(places)
            np.testing.assert_array_equal(array.ravel(), PARAMETERS[name].ravel()[places])


def test_what_is_moved_is_moved_in_the_function_s_own_parameters_in_whatever_order_they_lie() -> None:
    whole = {"W": np.asfortranarray(PARAMETERS["W1"])}
    drawn = Model(lambda parameters: (np.sum(parameters["W"]), {}), whole, whole, {}).drawn(5)
    moved = drawn.replaced("W", drawn.arrays["W"] + 1)
    assert moved.apply(1.0) == pytest.approx(drawn.apply(1.0) + 5, rel=1e-14)


def test_a_small_parameter_is_looked_at_whole_where_of_a_large_one_entries_are_drawn() -> None:
    whole = {"W": np.zeros((300, 400)), "b": np.zeros(9)}
    drawn = Model(model, whole, whole, {}).drawn(100)
    assert {name: array.size for name, array in drawn.arrays.items()} == {"W": 91, "b": 9}


def test_text_and_switches_among_the_parameters_are_handed_on_as_they_are() -> None:
    def function(parameters: dict[str, Any]) -> Any:
        assert parameters["activation"] == "square"
        assert parameters["bias"] is None
        return np.sum(parameters["W"] ** 2), {"W": 2 * parameters["W"]}

    report = check_model(function, {"activation": "square", "W": np.arange(3.0), "bias": None})
    assert report.passed
    assert list(report) == ["W"]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda W: ({"W": 2 * W}, np.sum(W**2)), "the value first and the gradients second"),
        (lambda W: (np.sum(W) + RNG.standard_normal(), W), "another value each time"),
    ],
)
def test_what_cannot_be_checked_is_told_in_the_callers_words(function: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_model(function, np.arange(3.0))


def test_gradients_that_are_computed_when_called_are_computed_where_they_are_looked_at_alone() -> None:
    counts, factor = {"value": 0, "gradients": 0}, 1.0

    def lazy(parameters: dict[str, Any]) -> tuple[float, Any]:
        counts["value"] += 1

        def gradients() -> dict[str, Any]:
            counts["gradients"] += 1
            return {"W": 2 * parameters["W"] * factor}

        return float(np.sum(parameters["W"] ** 2)), gradients

    assert check_model(lazy, {"W": np.arange(1.0, 7)}).passed
    factor = 1.01
    assert check_model(lazy, {"W": np.arange(1.0, 7)}).verdict is Verdict.WRONG
    assert counts["gradients"] < counts["value"] / 4

    def in_place(parameters: dict[str, Any]) -> tuple[float, Any]:
        return float(np.sum(parameters["W"] ** 2)), lambda: {"W": parameters["W"].__imul__(2)}

    with pytest.raises(ValueError, match="changes its parameter W in place"):
        check_model(in_place, {"W": np.ones(3)})


INPUTS = RNG.standard_normal((5, 4))


def hidden_layer(parameters: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    W, V = parameters["W"], parameters["V"]
    hidden = np.maximum(0, INPUTS.dot(W))
    dhidden = 2 * hidden.dot(V).dot(V.T)
    dhidden[dhidden <= 0] = 0
    return np.sum(hidden.dot(V) ** 2), {"W": INPUTS.T.dot(dhidden), "V": 2 * hidden.T.dot(hidden.dot(V))}


def test_a_function_is_followed_through_products_of_arrays_of_its_module_and_has_no_negative_input() -> None:
    W, V = np.random.RandomState(0).standard_normal((2, 4, 4))
    (finding,) = check_model(hidden_layer, {"W": W, "V": V}).diagnosis
    assert "where the derivative of `np.maximum(0, INPUTS.dot(W))` should stand dy goes on where it is positive" in (
        finding.sentence
    )
    assert type(INPUTS) is np.ndarray
