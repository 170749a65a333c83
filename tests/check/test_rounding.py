"""The rounding of backward against the same backward in more digits; and how numbers were written, read off them."""

import numpy as np
import pytest

from mlp import Identity, Linear, MSELoss, Sequential, Tanh, check_given_gradients, dense_layers, he
from mlp.check.check import analytical_gradients
from mlp.check.passes import RemarkKind
from mlp.check.projection import Projection
from mlp.check.rounding import FLOAT32, FLOAT64, _noise, gradient_rounding, precision
from mlp.nn.problem import as_problem

VALUES = np.random.RandomState(0).standard_normal((30, 20))


def as_text(style, factor=1.0):
    return np.array([float(style % value) for value in (factor * VALUES).ravel()])


@pytest.mark.parametrize(
    ("array", "unit", "digits", "decimals"),
    [
        (VALUES, FLOAT64, 0, 0),
        (VALUES.astype(np.float32), FLOAT32, 0, 0),
        (VALUES.astype(np.float32).astype(float), FLOAT32, 0, 0),
        (as_text("%.17g"), FLOAT64, 0, 0),
        (as_text("%.12f", 1e3), FLOAT64, 0, 12),
        (np.zeros(5), FLOAT64, 0, 0),
        (np.full(5, 0.25), FLOAT64, 0, 0),  # short by nature
        (np.array([np.nan, np.inf]), FLOAT64, 0, 0),
    ],
)
def test_what_the_numbers_tell(array, unit, digits, decimals):
    found = precision({"a": array, "zeros": np.zeros(3)})
    assert (found.unit, found.digits, found.decimals) == (unit, digits, decimals)
    assert bool(found.words) == (unit == FLOAT32 or digits + decimals > 0)


@pytest.mark.parametrize("style", ["%.3f", "%.6f", "%.4e", "%.7g", "%.9f"])
@pytest.mark.parametrize("factor", [1.0, 1e-2, 1e3])
def test_the_resolution_covers_what_rounding_did_and_not_much_more(style, factor):
    array = as_text(style, factor)
    resolution = precision({"a": array}).resolution(array)
    moved = np.abs(array - (factor * VALUES).ravel())
    # Both are rounded once more themselves.
    assert np.all(moved <= resolution * (1 + 1e-9) + 1e-15 * np.abs(array))
    # Half a unit of the last digit is taken in proportion to the number, so at most ten times what it is for 1.00.
    assert np.max(resolution) <= 10 * np.max(moved)


@pytest.mark.parametrize(
    ("digits", "decimals", "found"),
    [
        # What can be told of a few numbers: two digits may be chance for six of them, for seven different ones no more.
        (2, 6, (0, 0)),
        (2, 7, (2, 2)),
        (3, 1, (3, 3)),
    ],
)
def test_few_short_numbers_may_be_short_by_nature(digits, decimals, found):
    values = np.array([0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17][:decimals] if digits == 2 else [0.123])
    told = precision({"a": values})
    assert (told.digits, told.decimals) == found


@pytest.mark.parametrize(
    ("digits", "unit", "found"), [(9, FLOAT32, 9), (10, FLOAT64, 10), (15, FLOAT64, 15), (16, FLOAT64, 0)]
)
def test_float32_needs_nine_digits_and_what_needs_more_than_fifteen_is_not_rounded(digits, unit, found):
    values = np.array([float(f"{value:.{digits - 1}e}") for value in 0.1 + np.abs(VALUES).ravel() / 40])
    told = precision({"a": values})
    assert (told.unit, told.digits) == (unit, found)


@pytest.mark.parametrize(("decimals", "unit"), [(1, FLOAT32), (9, FLOAT32), (10, FLOAT64)])
def test_so_many_decimals_behind_large_numbers_tell_the_same(decimals, unit):
    values = np.round(10.0 ** (11 - decimals) * (1 + np.abs(VALUES)), decimals)
    told = precision({"a": values})
    assert (told.unit, told.digits > 9 or not told.digits, told.decimals) == (unit, True, decimals)


def test_of_many_numbers_two_thousand_are_looked_at_so_that_one_in_a_hundred_in_full_is_seen():
    many = np.round(np.linspace(1, 9, 20_000), 4)
    assert precision({"a": many}).decimals == 4
    many[5::97] = np.pi
    assert precision({"a": many}) == precision({"a": np.array([np.pi])})


@pytest.mark.parametrize(
    ("written", "kind", "words"),
    [
        (lambda a: a.astype(np.float32), RemarkKind.FLOAT32, "fit into float32, which carries about 7 digits"),
        (lambda a: np.round(a, 5), RemarkKind.ROUNDED, "are rounded to 4 digits"),
    ],
)
def test_the_note_on_given_gradients_says_how_they_were_written(written, kind, words):
    x, target = np.linspace(-1, 1, 9), np.zeros(9)
    gradient = 2 * np.tanh(x) / np.cosh(x) ** 2 / 9
    report = check_given_gradients(Tanh(), MSELoss(), x, target, {"x": written(gradient)})
    (note,) = report.remarks
    assert (note.kind, note.layer) == (kind, "")
    assert note.sentence == f"The numbers {words}; the error bars allow for that."


def as_type(network, dtype):
    for name, value in network.parameters().items():
        network = network.replaced(name, value.astype(dtype))
    return network


@pytest.mark.parametrize("sizes", [(3, 4, 2), (10, 20, 20, 10)])
def test_the_rounding_of_a_gradient_is_that_of_backward(sizes):
    """In float32, against the same pass in float64, at 30 nearby points."""
    rng = np.random.RandomState(0)
    network = as_type(Sequential(**dense_layers(sizes, Tanh, rng, he)), np.float32)
    x, target = (rng.standard_normal((4, size)).astype(np.float32) for size in (sizes[0], sizes[-1]))
    errors = []
    for _ in range(30):
        nearby = x * (1 + 1e-3 * rng.standard_normal(x.shape)).astype(np.float32)
        _, rounded = analytical_gradients(network, MSELoss(), nearby, target)
        _, exact = analytical_gradients(as_type(network, float), MSELoss(), nearby.astype(float), target.astype(float))
        errors.append({name: rounded[name] - gradient for name, gradient in exact.items()})
    _, gradients = analytical_gradients(network, MSELoss(), x, target)
    estimates = gradient_rounding(as_problem(network, MSELoss(), x, target), gradients, FLOAT32)
    for name, estimate in estimates.items():
        error = np.array([one[name] for one in errors])
        true = np.sqrt(np.mean(np.square(error), axis=0))
        assert np.max(np.abs(error) / estimate) < 4
        # As for the noise of the loss above: u counted where 0.29 u is committed, and for a few things too many.
        assert 3 < np.median(estimate / true) < 12
        assert np.min(estimate / true) > 1.5


@pytest.mark.parametrize(("shape", "samples"), [((400,), 1), ((4, 100), 1), ((80, 50), 10)])
def test_a_sum_over_samples_may_be_off_by_an_eighth_of_a_last_bit_for_each(shape, samples):
    class Constant(Identity):
        def backward(self, dy):
            return np.full(np.shape(dy), 1e6)

    problem = as_problem(Constant(), Projection(), np.ones(shape), np.ones(shape))
    found = gradient_rounding(problem, {"x": np.full(shape, 1e6)}, 2.0**-52)["x"]
    # What a backward returns is shaken once: a root mean square of six normal numbers, which is 0.96 of one on average.
    assert np.mean(found) == pytest.approx((0.96 + samples) * 2.0**-52 * 1e6, rel=0.03)


class CentredLinear(Linear):
    """Without the mean of the batch: the bias has no influence, and its gradient is nothing but rounding."""

    def apply(self, x):
        y = super().apply(x)
        return y - y.mean(axis=0)

    def forward(self, x):
        super().forward(x)
        return self.apply(x)

    def backward(self, dy):
        return super().backward(dy - dy.mean(axis=0))


class MaskedCentredLinear(CentredLinear):
    """With a mask in float32, which holds its numbers exactly."""

    def backward(self, dy):
        return super().backward(dy * np.ones(dy.shape, dtype=np.float32))


@pytest.mark.parametrize("kind", [CentredLinear, MaskedCentredLinear])
def test_what_cancels_inside_a_layer_is_seen_along_a_path(kind):
    rng = np.random.RandomState(0)
    layer = kind(5, 200, rng)
    problem = as_problem(layer, MSELoss(), rng.standard_normal((50, 5)), rng.standard_normal((50, 200)))
    _, gradients = analytical_gradients(*problem)
    estimate = gradient_rounding(problem, gradients, 2.0**-52)["b"]
    size, seen = (np.sqrt(np.mean(np.square(values))) for values in (gradients["b"], estimate))
    assert 0 < size < 1e-15
    # The root mean squares of 200 entries: each is known to 5 per cent, what a path shows of it to 10.
    assert 0.7 * size < seen < 1.5 * size


def test_the_noise_of_gradients_along_a_path_is_each_one_s_own_unless_it_is_nothing_but_noise():
    rng = np.random.RandomState(0)
    path = list(np.linspace(0, 1, 9)[:, None] + 1e-9 * rng.standard_normal((9, 400)))
    large, nothing = _noise(path, np.ones(400)), _noise(path, np.zeros(400))
    # Of nine points each estimate scatters by a half, and their root mean square over 400 by a fortieth.
    assert np.sqrt(np.mean(large**2)) == pytest.approx(1e-9, rel=0.1)
    assert np.min(large) < 0.4e-9
    # Where small ones may be so by chance, and the gradient offers nothing to hide it, all get the usual size.
    np.testing.assert_allclose(nothing, np.sqrt(np.mean(large**2)), rtol=1e-12)  # of 400 sums and roots
    # Four times that is still nothing.
    border = 4 * nothing[0] * np.repeat([0.99, 1.01], 200)
    assert np.array_equal(_noise(path, border), np.where(np.arange(400) < 200, nothing, large))
    assert not _noise([*path[:-1], None], np.ones(400)).any()


def test_rounding_is_told_from_six_shaken_runs_and_nine_along_a_path():
    """So few that they cost little beside the differences, and so many that their size is known by a third."""

    class Counted(Tanh):
        runs = 0

        def backward(self, dy):
            Counted.runs += 1
            return super().backward(dy)

    problem = as_problem(Counted(), MSELoss(), np.array([0.3, 0.7]), np.array([0.5, 0.1]))
    gradient_rounding(problem, {"x": analytical_gradients(*problem)[1]["x"]}, FLOAT64)
    assert Counted.runs == 1 + 6 + 9
