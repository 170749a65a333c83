"""What a loss is given: told from the names of its arguments, and numbers of that kind."""

import numpy as np
import pytest

from mlp.user_code.interpret.losses import (
    is_input,
    is_loss,
    is_of_real_numbers,
    is_weighted_loss,
    masks,
    other_coding,
    prediction,
    sides,
    sound,
    structures,
    target,
)
from mlp.user_code.interpret.samples import LAYOUTS, Layout

ROWS, COLUMNS = LAYOUTS[:2]
SINGLE = Layout("", "rows", (4, 1), True)


def taking(arguments):
    """A function that takes these."""
    return eval(f"lambda {arguments}: 0")


@pytest.mark.parametrize(
    ("arguments", "is_target"),
    [
        ("y_pred, y_true", "y_true"),
        ("y_true, y_pred", "y_true"),
        ("y, y_hat", "y"),
        ("y, target", "target"),
        ("x, y", "y"),
        ("labels, logits", "labels"),
        ("a, b", "b"),  # where both sound alike, the second
        ("pred, y_train", "y_train"),
        ("targets", "targets"),
    ],
)
def test_which_argument_is_the_target(arguments, is_target):
    function = taking(arguments)
    given = sides(function, "prediction", "target")
    names = arguments.split(", ")
    assert given == {name: "target" if name == is_target else "prediction" for name in names}


def test_of_one_argument_that_sounds_like_none_nothing_is_said():
    assert sides(lambda x: x, 1, 2) == {}
    assert sides(lambda y: y, 1, 2) == {}
    assert sides(taking("a, b, c"), 1, 2) == {}
    assert sides(taking("X, y=None"), 1, 2) == {"X": 1, "y": 2}
    assert sides(taking("scores, y, mask"), 1, 2) == {"scores": 1, "y": 2}
    assert sides(taking("model, y_pred, y"), 1, 2) == {"y_pred": 1, "y": 2}


@pytest.mark.parametrize(
    ("name", "how_much"),
    [
        *(("y_true", 2), ("target", 2), ("y", 1), ("Y_train", 1), ("_y", 1)),
        *(("y_pred", -2), ("logits", -2), ("x", -1), ("dout", -1), ("foo", 0)),
    ],
)
def test_how_much_a_name_sounds_like_a_target(name, how_much):
    assert sound(name) == how_much


@pytest.mark.parametrize(
    ("name", "expected"), [("x", True), ("X_train", True), ("inputs", True), ("A", False), ("Z", False), ("y", False)]
)
def test_what_is_the_input(name, expected):
    assert is_input(name) == expected


@pytest.mark.parametrize(
    ("arguments", "loss", "weighted"),
    [
        ("y_pred, y_true", True, False),
        ("x, target", True, False),
        ("logits, y", True, False),
        ("x, y", False, False),
        ("a, b", False, False),
        ("x, w", False, False),
        ("W, X, y", False, True),
        ("W, X, y, reg", False, True),
        ("W, X", False, False),
        ("y_pred, y_true, mask", True, False),
    ],
)
def test_what_takes_a_prediction_and_a_target_is_a_loss(arguments, loss, weighted):
    function = taking(arguments)
    assert (is_loss(function), is_weighted_loss(function)) == (loss, weighted)
    assert masks(function) == (["mask"] if "mask" in arguments else [])


def test_a_model_beside_prediction_and_target_holds_parameters():
    assert structures(taking("model, y_pred, y")) == ["model"]
    assert structures(taking("model, y")) == []
    assert structures(taking("params, y_pred, y, mask")) == ["params"]


@pytest.mark.parametrize(
    ("name", "real"),
    [
        *((name, True) for name in ("mse", "mse_loss", "HuberLoss", "mean_squared_error", "L1Loss", "l2_loss")),
        *((name, False) for name in ("CrossEntropy", "bce", "hinge", "mselike")),
    ],
)
def test_which_losses_are_of_real_numbers(name, real):
    assert is_of_real_numbers(name) == real


def test_predictions_are_any_numbers_or_probabilities():
    assert prediction("normal", ROWS).min() < 0
    np.testing.assert_allclose(prediction("probability", ROWS).sum(axis=1), 1)
    np.testing.assert_allclose(prediction("probability", COLUMNS).sum(axis=0), 1)
    single = prediction("probability", SINGLE)
    assert single.shape == (4, 1)
    assert np.all((single > 0) & (single < 1))
    assert np.ptp(single) > 0


@pytest.mark.parametrize("layout", [ROWS, COLUMNS], ids=["rows", "columns"])
def test_targets_are_of_their_kind_and_no_copy_of_the_prediction(layout):
    axis = 0 if layout is COLUMNS else 1
    drawn = {kind: target(kind, layout) for kind in ("normal", "binary", "signs", "labels", "column", "one-hot")}
    assert set(np.unique(drawn["binary"])) == {0, 1}
    assert set(np.unique(drawn["signs"])) == {-1, 1}
    np.testing.assert_array_equal(drawn["one-hot"].sum(axis=axis), 1)
    np.testing.assert_array_equal(drawn["labels"], drawn["one-hot"].argmax(axis=axis))
    assert drawn["column"].shape == np.expand_dims(drawn["labels"], axis).shape
    assert drawn["labels"].dtype.kind == "i"
    assert not np.array_equal(drawn["normal"], prediction("normal", layout))
    shares = target("probability", layout)
    np.testing.assert_allclose(shares.sum(axis=axis), 1)
    assert not np.allclose(shares, prediction("probability", layout))


def test_one_output_has_no_classes():
    for kind in ("labels", "column", "one-hot", "probability"):
        assert target(kind, SINGLE) is None
    assert target("binary", SINGLE).dtype.kind == "i"
    assert target("binary", ROWS).dtype.kind == "f"


def test_labels_and_one_hot_are_two_codings_of_one_target():
    class Given:
        def __init__(self, target):
            self.target = target

    x, one_hot = np.zeros((4, 3)), np.eye(3)[[2, 0, 1, 1]]
    np.testing.assert_array_equal(other_coding(Given(one_hot), x), [2, 0, 1, 1])
    np.testing.assert_array_equal(other_coding(Given(np.array([2, 0, 1, 1])), x), one_hot)
    assert other_coding(Given(one_hot * 0.5 + 0.5 / 3), x) is None
    assert other_coding(Given(np.array([2.0, 0, 1, 1])), x) is None
    assert other_coding(Given(one_hot[0]), x[0]) is None
    assert other_coding(Given(None), x) is None


def test_of_two_arguments_that_sound_alike_the_second_is_the_target():
    assert sides(taking("u, w"), 1, 2) == {"u": 1, "w": 2}
    assert sides(taking("labels, b"), 1, 2) == {"labels": 2, "b": 1}
