"""The numbers that code is tried on: sizes that tell axes apart, targets and steps that are what they are called."""

import re
from itertools import combinations

import numpy as np
import pytest

from mlp.user_code.interpret import samples
from mlp.user_code.interpret.samples import BATCH, CONVENTIONS, FEATURES, HIDDEN, LAYOUTS, OUTPUTS

SIZES = (BATCH, FEATURES, OUTPUTS, *HIDDEN)


def test_no_two_sizes_are_the_same_and_none_is_the_product_or_half_of_others():
    """A matrix of the wrong orientation, or an array reshaped, cannot fit by chance."""
    assert len(set(SIZES)) == 5
    assert min(SIZES) > 2, "2 is a batch of images"
    assert not {a * b for a, b in combinations(SIZES, 2)} & set(SIZES)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.words} {layout.orientation}")
def test_a_layout_is_what_its_words_say(layout):
    axes = re.findall(r"\w+", layout.words.partition("(")[2])
    few = len(axes) < 3 and "time" not in axes
    assert len(axes) == len(layout.shape)
    for axis, size in zip(axes, layout.shape, strict=True):
        if axis in ("features", "channels"):
            assert size == FEATURES
        elif axis == "n":
            assert size == (BATCH if few or layout.words.startswith("columns") else 2)
        elif axis in ("height", "width", "length"):
            assert size == 6
        elif axis == "time":
            assert size == BATCH
        else:
            assert size == int(axis) == 1
    assert layout.batch == ("n" in axes)
    assert layout.orientation == ("single" if "n" not in axes else "columns" if axes[0] == "features" else "rows")
    assert layout.integers == ("ids" in layout.words)


def test_layouts_of_one_orientation_and_of_another_number_of_features():
    assert list(samples.layouts("")) == list(LAYOUTS)
    assert {layout.orientation for layout in samples.layouts("single")} == {"single"}
    others = list(samples.layouts("rows", 9))
    assert [layout.shape for layout in others][:2] == [(BATCH, 9), (2, 9, 6, 6)]
    assert all(9 in layout.shape for layout in others), "those without features have no other number of them"


def test_numbers_are_the_same_each_time_and_nobody_spoils_them():
    first, spoilt = samples.normal((2, 3)), samples.normal((2, 3))
    spoilt += 1
    np.testing.assert_array_equal(samples.normal((2, 3)), first)
    assert not np.array_equal(samples.normal((2, 3), seed=2), first)


def test_each_id_comes_up():
    ids = samples.drawn(LAYOUTS[-2])
    assert set(ids) == set(range(FEATURES))
    assert samples.drawn(LAYOUTS[-1]).shape == (2, BATCH)


def test_targets_of_which_nothing_is_known():
    y = samples.normal((BATCH, OUTPUTS))
    between, by_column, by_row, labels, others = samples.targets_for(y)
    assert np.all((between > 0) & (between < 1))
    np.testing.assert_array_equal(by_column.sum(axis=0), 1)
    np.testing.assert_array_equal(by_row.sum(axis=1), 1)
    np.testing.assert_array_equal(labels, by_row.argmax(axis=1))
    np.testing.assert_array_equal(others, by_column.argmax(axis=0))
    assert len(list(samples.targets_for(y[0]))) == 2


def test_an_optimizer_that_takes_a_step_of_the_whole_gradient():
    recorder, before, gradient = samples.Recorder(), np.array([1.0, 2.0]), np.array([0.5, -1.0])
    np.testing.assert_array_equal(recorder.update(before, gradient), [0.5, 3.0])
    np.testing.assert_array_equal(before, [1, 2])
    listed = [before.copy(), before.copy()]
    recorder.update(listed, [gradient, 2 * gradient])
    np.testing.assert_array_equal(listed, [[0.5, 3.0], [0.0, 4.0]])
    named = {"W": before.copy()}
    assert recorder.update(named, {"W": gradient}) is named
    np.testing.assert_array_equal(named["W"], [0.5, 3.0])
    layer = type("Layer", (), {})()
    assert recorder.update(layer, {"W": gradient}) is layer
    assert layer.grads == {"W": gradient}
    assert recorder.lr == recorder.learning_rate == 1
    assert recorder.zero_grad(1, x=2) is None
    with pytest.raises(AttributeError):
        recorder.__array__  # noqa: B018


def test_a_sampler_gives_an_id_or_as_many_as_it_is_asked_for():
    sampler = samples.Sampler()
    assert 0 <= sampler.sample() < OUTPUTS
    assert sampler.get(7).shape == sampler.draw(size=7).shape == (7,)


def test_conventions_know_whether_samples_are_columns():
    assert [one.columns for one in CONVENTIONS] == [
        len(one.weight) == 2 and one.weight[0] == OUTPUTS for one in CONVENTIONS
    ]
    for one in CONVENTIONS:
        assert {OUTPUTS, FEATURES} & set(one.weight), one
        assert np.prod(one.bias) in (OUTPUTS, 3 * OUTPUTS, 4 * OUTPUTS)
        assert np.prod(one.scale) == FEATURES


@pytest.mark.parametrize(
    ("role", "rows", "columns"),
    [
        ("weight", (FEATURES, OUTPUTS), (OUTPUTS, FEATURES)),
        ("bias", (OUTPUTS,), (OUTPUTS, 1)),
        ("scale", (FEATURES,), (FEATURES, 1)),
        ("recurrent", (OUTPUTS, OUTPUTS), (OUTPUTS, OUTPUTS)),
    ],
)
def test_arrays_of_a_role(role, rows, columns):
    for conventions, shape in zip(CONVENTIONS, (rows, columns), strict=False):
        array = samples.array_for(role, conventions)
        assert array.shape == shape
        assert not np.array_equal(array, samples.array_for(role, conventions, 99))
    lstm = CONVENTIONS[6]
    assert samples.array_for("recurrent", lstm).shape == (OUTPUTS, 4 * OUTPUTS)
    assert samples.array_for("x", CONVENTIONS[0]) is None


def test_sizes_that_go_together():
    assert samples.sizes(2, CONVENTIONS[0]) == (FEATURES, OUTPUTS)
    assert samples.sizes(3, CONVENTIONS[0]) == (FEATURES, 6, 6)
    assert samples.sizes(3, CONVENTIONS[4]) == (6, 6, FEATURES)
    assert samples.sizes(4, CONVENTIONS[5]) == (OUTPUTS, FEATURES, 3, 3)
    assert samples.sizes(4, CONVENTIONS[0]) == (3, 3, FEATURES, OUTPUTS)


def test_values_of_plain_arguments_hide_no_mistake():
    """A keep probability of a half is the drop probability too; a stride of 1 and no padding keep an image's size."""
    plain = {role: values[0] for role, values in samples.PLAIN.items()}
    assert plain["probability"] not in (0, 0.5, 1)
    assert (plain["kernel_size"], plain["stride"], plain["padding"]) == (3, 1, 0)
    assert FEATURES % plain["heads"] == 0 < plain["heads"] != FEATURES
    assert plain["penalty"] == 0, "what is added to the loss elsewhere has no part in forward"
    assert plain["rate"] == 1, "so that a step is the gradient"
    assert plain["training"] is True
    assert plain["horizon"] > max(SIZES), "further than any sequence"
    assert plain["tiny"] == 1e-5
    assert 0 < plain["fraction"] < 1
    assert (plain["in_size"], samples.PLAIN["out_size"][0]) == (FEATURES, OUTPUTS)
    assert samples.PLAIN["features"] == (FEATURES, OUTPUTS)
    assert plain["sizes"] == [FEATURES, HIDDEN[0], OUTPUTS]
    assert plain["hidden_sizes"] == list(HIDDEN)
    assert plain["batch"] == plain["length"] == BATCH


def test_a_setting_is_the_likeliest_of_what_it_is_compared_with():
    assert samples.chosen(["relu", "tanh"], None) == "tanh"
    assert samples.chosen(["sum", "max"], None) == "max"
    assert samples.chosen([], "other") == "other"
