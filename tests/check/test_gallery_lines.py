"""What the gallery tells is so: the lines that it shows are run beside the planted code, and its stories are tried."""

import numpy as np
import pytest

from mlp import LeakyReLU, Linear, MSELoss, ReLU, Sequential, Tanh, Verdict, check_gradients
from mlp.check.gallery import GALLERY
from mlp.check.gallery.activations import WrongActivation
from mlp.check.gallery.bug import places
from mlp.check.gallery.linear import WrongLinear
from mlp.check.gallery.losses import WrongLoss
from mlp.nn.functional import linear_backward, log_softmax, sigmoid
from mlp.nn.layers import Activation
from mlp.nn.losses import Loss

# What these say is a loop, a cache or a place; the tests of the diagnosis tell them apart by what they do.
NOT_RUN = {
    "last sample wins",
    "updated too early",
    "input kept from the first forward",
    "last row forgotten",
    "gradients pile up",
    "x kept from the first forward",
    "gradient kept from the first forward",
    "dy changed in place",
}
BATCH, INPUTS = 4, 3

run_lines = pytest.mark.parametrize(
    "bug", [bug for bug in GALLERY.values() if bug.name not in NOT_RUN], ids=lambda bug: bug.name
)


def ran(line, **names):
    """The gradients that a line of the gallery sets, given the names that it uses."""
    scope = {"np": np, "softmax": lambda y: np.exp(log_softmax(y)), **names}
    exec(line.replace("f'(", "derivative("), scope)
    return {name: scope[name] for name in ("dx", "dW", "db", "dy") if scope.get(name) is not names.get(name)}


def of_linear(bug, side):
    rng = np.random.RandomState(1)
    square = Linear(INPUTS, INPUTS, rng)
    right = square if bug.fits(square, np.zeros((BATCH, INPUTS))) else Linear(INPUTS, INPUTS + 1, rng)
    layer = right if side == "right" else bug.make(right)
    x, dy = rng.standard_normal((BATCH, INPUTS)), rng.standard_normal((BATCH, len(right.b)))
    y = layer.forward(x)
    computed = {"dx": layer.backward(dy), "dW": layer.grad_W, "db": layer.grad_b}
    return ran(getattr(bug, side), x=x, y=y, dy=dy, W=right.W), computed


def of_activation(bug, side):
    rng = np.random.RandomState(1)
    kind = Tanh if bug.replaces == (Activation,) else bug.replaces[0]
    x, dy = rng.standard_normal((2, BATCH, INPUTS))
    right = kind()
    layer = right if side == "right" else bug.make(right)
    y = layer.forward(x)
    names = {"f": right.apply, "derivative": right.derivative, "s": sigmoid(x)}
    return ran(getattr(bug, side), x=x, y=y, dy=dy, **names), {"dx": layer.backward(dy.copy())}


def of_loss(bug, side):
    rng = np.random.RandomState(1)
    right = bug.replaces[0]()
    y = 2 * rng.standard_normal((BATCH, INPUTS))  # on both sides of Huber's corner
    t = right.random_target(rng, y.shape)
    loss = right if side == "right" else bug.make(right)
    loss.forward(y, t)
    p = np.exp(log_softmax(y))
    names = {"n": BATCH, "s": sigmoid(y), "p": p, "dp": -t / p / BATCH}
    return ran(getattr(bug, side), y=y, t=t, **names), {"dy": loss.backward()}


@run_lines
@pytest.mark.parametrize("side", ["wrong", "right"])
def test_the_line_that_is_shown_is_the_one_that_is_planted(bug, side):
    kinds = ((WrongLinear, of_linear), (WrongActivation, of_activation), (WrongLoss, of_loss))
    of = next(of for kind, of in kinds if issubclass(bug.make, kind))
    shown, computed = of(bug, side)
    assert shown
    for name, value in shown.items():
        # A few sums and products in another order.
        np.testing.assert_allclose(computed[name], value, rtol=1e-12, atol=1e-14, err_msg=name)


def test_every_bug_is_listed_once_under_a_name_of_one_line():
    classes = [*WrongLinear.__subclasses__(), *WrongActivation.__subclasses__(), *WrongLoss.__subclasses__()]
    ours = [one for one in classes if one.__module__.startswith("mlp.check.gallery.")]  # other tests add their own
    assert [bug.make for bug in GALLERY.values()] == ours
    assert {name for name, bug in GALLERY.items() if bug.name == name} == set(GALLERY)
    # A list in a column of 420 pixels, of letters about 9 wide, with its arrow and margins.
    assert all(len(name) <= 40 and name.isprintable() for name in GALLERY)


@pytest.mark.parametrize(("size", "passed"), [(1e-4, True), (1.0, False)])
def test_a_rule_with_an_absolute_tolerance_passes_one_small_entry_that_is_wrong(size, passed):
    # dW[0, 0] is x[0] dy[0] with dy[0] about -5: for the small x[0] a hundredth of it is below gradcheck's 1e-5.
    right = Linear(2, 2, np.random.RandomState(0))
    network = Sequential(fc1=GALLERY["one entry one per cent off"].make(right))
    check = check_gradients(network, MSELoss(), np.array([size, 1.0]), np.array([5.0, 5.0]))["fc1.W"]
    assert check.verdict is Verdict.WRONG
    assert check.judgements["torch.autograd.gradcheck"].accepted == passed


def test_where_gradients_pile_up_every_tensor_is_consistent_and_the_second_backward_doubles_them():
    layer = GALLERY["gradients pile up"].make(Linear(3, 2, np.random.RandomState(0)))
    x, dy = np.ones((4, 3)), np.ones((4, 2))
    report = check_gradients(Sequential(fc1=layer), MSELoss(), x, np.zeros((4, 2)))
    assert {check.verdict for check in report.values()} == {Verdict.CONSISTENT}
    assert report.verdict is Verdict.WRONG
    layer.forward(x)
    layer.backward(dy)
    once = layer.grad_W, layer.grad_b
    layer.backward(dy)
    np.testing.assert_array_equal(layer.grad_W, 2 * once[0])
    np.testing.assert_array_equal(layer.grad_b, 2 * once[1])


def test_a_bias_that_is_not_summed_gets_a_row_for_each_sample():
    layer = GALLERY["bias not summed"].make(Linear(3, 2, np.random.RandomState(0)))
    layer.forward(np.ones((4, 3)))
    layer.backward(np.ones((4, 2)))
    assert (layer.b - 0.1 * layer.grad_b).shape == (4, 2)


def test_a_mask_of_dy_is_right_where_x_and_dy_have_the_same_sign():
    x, dy = np.array([1.0, 1.0, -1.0, -1.0]), np.array([2.0, -2.0, 2.0, -2.0])
    right, wrong = ReLU(), GALLERY["mask of dy"].make(ReLU())
    right.forward(x)
    wrong.forward(x)
    np.testing.assert_array_equal(wrong.backward(dy) == right.backward(dy), np.sign(x) == np.sign(dy))


def test_a_forgotten_leak_is_off_by_a_hundredth_of_dy_where_x_is_negative():
    x, dy = np.array([1.0, -1.0]), np.array([2.0, 2.0])
    right, wrong = LeakyReLU(), GALLERY["leak forgotten"].make(LeakyReLU())
    right.forward(x)
    wrong.forward(x)
    np.testing.assert_allclose(right.backward(dy) - wrong.backward(dy), [0, 0.01 * 2], rtol=1e-15)


def test_a_second_sign_too_many_hides_the_first_from_all_that_lies_before_both():
    layers = {"fc1": Linear(2, 3, np.random.RandomState(0)), "fc2": Linear(3, 3, np.random.RandomState(1))}
    signs = [GALLERY["a sign too many"].make(Tanh()) for _ in range(2)]
    network = Sequential(fc1=layers["fc1"], act1=signs[0], fc2=layers["fc2"], act2=signs[1])
    report = check_gradients(network, MSELoss(), np.ones(2), np.zeros(3))
    assert [name for name, check in report.items() if check.verdict is Verdict.WRONG] == ["fc2.W", "fc2.b"]


def test_the_error_of_an_early_update_grows_with_the_learning_rate_alone():
    # dx = dy (W - rate dW) instead of dy W, with the rate of 0.1 that the gallery takes.
    layer = GALLERY["updated too early"].make(Linear(3, 2, np.random.RandomState(0)))
    W, x, dy = layer.W.copy(), np.ones((4, 3)), np.ones((4, 2))
    layer.forward(x)
    np.testing.assert_allclose(layer.backward(dy), dy @ (W - 0.1 * dy.T @ x), rtol=1e-14)


def parts_with(bug):
    """A right part that the bug can replace, and an input that it takes, batch and both signs."""
    kind = bug.replaces[0]
    part = (
        Linear(INPUTS, INPUTS, np.random.RandomState(1)) if kind is Linear else (Tanh if kind is Activation else kind)()
    )
    return part, np.random.RandomState(2).standard_normal((BATCH, INPUTS))


@pytest.mark.parametrize("bug", GALLERY.values(), ids=lambda bug: bug.name)
def test_but_for_the_gradient_what_is_planted_is_the_right_part(bug):
    right, x = parts_with(bug)
    wrong = bug.make(right)
    if isinstance(right, Loss):
        target = right.random_target(np.random.RandomState(3), x.shape)
        assert wrong.forward(x, target) == wrong.apply(x, target) == right.apply(x, target)
        with pytest.raises(TypeError, match=r"^y must be real"):
            wrong.forward(1j * x, target)
    else:
        np.testing.assert_array_equal(wrong.forward(x), right.apply(x))
        np.testing.assert_array_equal(wrong.apply(x), right.apply(x))
        with pytest.raises(TypeError, match=r"^x must be real"):
            bug.make(right).forward(1j * x)
        with pytest.raises(RuntimeError, match=r"^call forward\(\) first"):
            bug.make(right).backward(x)
    assert wrong.kinks == right.kinks


@pytest.mark.parametrize("bug", GALLERY.values(), ids=lambda bug: bug.name)
def test_what_is_planted_keeps_copies(bug):
    right, x = parts_with(bug)
    if isinstance(right, Loss):
        return
    passes = []
    for spoil in (False, True):
        layer, given = bug.make(right), x.copy()
        layer.forward(given)
        if spoil:
            given[...] = 7
        passes.append([layer.backward(np.ones_like(x)), *layer.gradients().values()])
    for kept, spoilt in zip(*passes, strict=True):
        np.testing.assert_array_equal(kept, spoilt)
    if isinstance(right, Linear):
        np.testing.assert_array_equal(right.W, Linear(INPUTS, INPUTS, np.random.RandomState(1)).W)


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        # Where each would change nothing: a square matrix of one entry, a batch of one, a single row, column or output.
        ("W transposed on the way back", [(2, 2, 1), (2, 2, 3)]),
        ("reshape for transpose", [(2, 3, 1), (3, 2, 3)]),
        ("bias averaged", [(1, 1, 3), (1, 3, 3), (2, 2, 3), (3, 1, 3), (3, 2, 3)]),
        ("last row forgotten", [(1, 3, 3), (2, 2, 1), (2, 2, 3), (2, 3, 1), (3, 2, 3)]),
        ("features from the wrong end", [(2, 2, 1), (2, 2, 3), (2, 3, 1), (3, 1, 3), (3, 2, 3)]),
        ("one entry one per cent off", [(1, 3, 3), (2, 2, 1), (2, 2, 3), (2, 3, 1), (3, 1, 3), (3, 2, 3)]),
    ],
)
def test_a_bug_of_a_linear_layer_fits_where_it_would_show(name, fitting):
    sizes = [(1, 1, 3), (1, 3, 3), (2, 2, 1), (2, 2, 3), (2, 3, 1), (3, 1, 3), (3, 2, 3)]
    bug = GALLERY[name]
    assert [size for size in sizes if bug.fits(Linear(*size[:2]), np.zeros((size[2], size[0])))] == fitting
    if name == "bias averaged":
        assert not bug.fits(Linear(3, 2), np.zeros(3))


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("mean over samples only", [(3, 2)]),
        ("batch mean forgotten", [(3, 1), (3, 2)]),
        ("softmax taken one by one", [(1, 2), (3, 2)]),
        ("the 2 of the square", [(1, 1), (1, 2), (3, 1), (3, 2)]),
    ],
)
def test_a_bug_of_a_loss_fits_where_it_would_show(name, fitting):
    shapes = [(1, 1), (1, 2), (3, 1), (3, 2)]
    assert [shape for shape in shapes if GALLERY[name].fits(MSELoss(), np.zeros(shape))] == fitting


def test_a_bug_is_offered_in_the_places_that_it_fits_at_the_input_that_comes_there():
    rng = np.random.RandomState(0)
    network = Sequential(fc1=Linear(3, 4, rng), act=Tanh(), fc2=Linear(4, 4, rng), fc3=Linear(4, 1, rng))
    single, batch = np.zeros(3), np.zeros((2, 3))
    assert places(GALLERY["W transposed on the way back"], network, MSELoss(), single) == ("fc2",)
    assert places(GALLERY["bias averaged"], network, MSELoss(), single) == ()
    assert places(GALLERY["bias averaged"], network, MSELoss(), batch) == ("fc1", "fc2", "fc3")
    assert places(GALLERY["derivative missing"], network, MSELoss(), single) == ("act",)
    assert places(GALLERY["the 2 of the square"], network, MSELoss(), single) == ("loss",)
    assert places(GALLERY["mean over samples only"], network, MSELoss(), batch) == ()  # y has but one column


def test_the_bugs_that_are_loops_caches_and_places_do_what_they_tell():
    right = Linear(INPUTS, 2, np.random.RandomState(1))
    first, second, dy = (
        np.random.RandomState(seed).standard_normal(shape) for seed, shape in enumerate([(4, 3), (4, 3), (4, 2)])
    )

    def gradients(name, *forwards):
        layer = GALLERY[name].make(right)
        for x in forwards:
            layer.forward(x)
        return layer.backward(dy), layer.grad_W, layer.grad_b

    dx, dW, db = linear_backward(dy, second, right.W, right.b)
    expected = {
        "last sample wins": (dx, np.outer(dy[-1], second[-1]), db),
        "last row forgotten": (dx, dW * [[1], [0]], db),
        "input kept from the first forward": (dx, linear_backward(dy, first, right.W, right.b)[1], db),
        "updated too early": (dy @ (right.W - 0.1 * dW), dW, db),
        "gradients pile up": (dx, dW, db),
    }
    for name, values in expected.items():
        for value, found in zip(values, gradients(name, first, second), strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-13, atol=1e-14, err_msg=name)

    x = np.random.RandomState(3).standard_normal(dy.shape)
    activation = GALLERY["x kept from the first forward"].make(Tanh())
    for given in (x, x + 1):
        activation.forward(given)
    right_there = Tanh()
    right_there.forward(x)
    np.testing.assert_array_equal(activation.backward(dy), right_there.backward(dy))
    loss, right_loss = GALLERY["gradient kept from the first forward"].make(MSELoss()), MSELoss()
    for y, kept in ((x, x), (x + 1, x), (x[1:], x[1:])):  # what has another shape it cannot keep
        loss.forward(y, 0 * y)
        right_loss.forward(kept, 0 * kept)
        np.testing.assert_array_equal(loss.backward(), right_loss.backward())
