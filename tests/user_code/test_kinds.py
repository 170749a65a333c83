"""Kinds of code that people write, each as small as it can be: right it passes, and the mistake in it is found."""

import re
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from mlp.user_code.check import examine
from mlp.user_code.load.discovery import cases, own
from mlp.user_code.load.importing import load
from mlp.user_code.messages import ForeignError
from mlp.user_code.settings import read_overrides

KINDS = [f"# {kind}" for kind in (Path(__file__).parent / "corpus" / "kinds.py").read_text().split("\n\n\n# ")[1:]]
NUMBER = count()


pytestmark = pytest.mark.usefixtures("verdict_alone")

# What is replaced in each to make it wrong; nothing where it takes long to look at all that a wrong one may be.
MISTAKES = [
    ("Lazy", "self.x.T @ dy", "2 * self.x.T @ dy"),
    ("step_forward", "dc + dh", "dh"),
    ("SquareLoss", "self.d.size", "len(self.d)"),
    ("Entropy", "-targets", "targets"),
    ("Softmax", "- self.p.T", "+ self.p.T"),
    ("L2", "0.2 * w", "0.1 * w"),
    ("forward_propagation", "dtheta = x", "dtheta = theta"),
    ("HalfLoss", "return self.d", "return -self.d"),
    ("Join", "[d, 2 * d]", "[d, d]"),
    ("Slope", "** 2)", "** 3)"),
    ("Cubed", "3 * self", "2 * self"),
    ("Twice", "2 * dy", "3 * dy"),
    ("conv_forward", "axis=(0, 1, 2)", "axis=(1, 2)).mean(axis=0"),
    ("gate_forward", "(1 - f * f)", "1"),
    ("Deep", "a.T @ dy)", "-a.T @ dy)"),
    ("pool_forward", "keepdims=True)) * g", "keepdims=True)) * g / 2"),
    ("Net", "X.T @ p / len(y)", "X.T @ p"),
    ("Pad", "1 : 1 + w", "0:w"),
    ("Gate", "(inputs > 0)", "(inputs < 0)"),
    ("Shift", "top_diff.sum(axis=0)", "2 * top_diff.sum(axis=0)"),
    ("Skip", "dx[:, :, :: self.s, :: self.s]", "dx[:, :, :dout.shape[2], :dout.shape[3]]"),
    ("Updated", "lr * self.x.T", "2 * lr * self.x.T"),
    ("Cell", "3 * dy", "2 * dy"),
    ("huber", "-delta, delta)", "-delta, 2 * delta)"),
    ("Thinned", "dout * self.mask / self.keep", "dout"),
    ("Tower", "self.a[i].T @ dz", "self.a[i].T @ dy"),
    ("masked_mse", ", 2 * d /", ", 2 * (pred - target) /"),
    ("Scorer", "X.T @ p}", "-X.T @ p}"),
    ("dense_forward", "dz.sum(axis=0)", "dz.mean(axis=0)"),
    ("stretch_forward", " * dtotal.sum()", ""),
    ("Perceptron", "(1 - p**2)", "(1 - p)"),
    ("Judge", "(self.p - self.y)", "(self.y - self.p)"),
    ("Normed", "dd - dd.mean(axis=0)", "dd"),
    ("Recurrence", "slopes[:, t] *", "slopes[:, 0] *"),
    ("bend", "np.exp(-x[:, 0])", "np.exp(x[:, 0])"),
    ("power_loss", "4 * d", "3 * d"),
    ("Keeper", "3 * self", "2 * self"),
    ("Lens", "np.einsum(", "2 * np.einsum("),
    ("Single", "self.x.T @ dy", "-self.x.T @ dy"),
    ("group_forward", "d - d.mean(axis=2, keepdims=True)", "d"),
    ("recurrent_forward", "dz @ before.T", "dz @ a.T"),
    ("memory_forward", "dc_next + da", "da"),
    ("Grader", "2 * self", "3 * self"),
    ("shifted", "return 1", "return 2"),
    ("Reshaped", "2 * d_in", "3 * d_in"),
    ("Stepping", "- learning_rate", "- 2 * learning_rate"),
    ("Logistic", "(1 - self.forward(x))", "(2 - self.forward(x))"),
    ("Sampled", "grad_b = 1", "grad_b = 2"),
    ("Cached", "dZ @ X.T", "2 * dZ @ X.T"),
    ("Handing", "return 2 *", "return 3 *"),
    ("Weighted", "return grads *", "return 2 * grads *"),
    ("Attributes", "(1 - self.output**2)", "(1 - self.output)"),
    ("Columned", '"W": delta @', '"W": 2 * delta @'),
    ("Put", "(backwards_gradient * x).sum(axis=0)", "(backwards_gradient * x).mean(axis=0) * 2"),
    ("Asking", "aux @ x.T", "2 * aux @ x.T"),
    ("Probable", "-= 1", "-= 2"),
    ("ForeLoss", "2 * (self.x", "(self.x"),
    ("MaxPool", "return wide *", "return 2 * wide *"),
    ("Soft", "- y[:, :, None]", "+ y[:, :, None]"),
    ("Biased", "np.sum(dZ) / Y.shape[1]", "np.sum(dZ)"),
    ("Ready", "3 * d_a", "2 * d_a"),
    ("Rolling", "return dWx, dWh, dh", "return dWx, 2 * dWh, dh"),
    ("Directed", "(dw - u * (dw * u).sum(axis=0))", "dw"),
    ("Windows", "dout.T @ self.flat,", "2 * dout.T @ self.flat,"),
    ("Correlation", "][i, j].T", "][j, i].T"),
    ("Shaped", "3 * grad", "2 * grad"),
    ("filter_forward", "dout, W[:, :, i, j])", "dout, W[:, :, j, i])"),
    ("norm_forward", " - X_norm * (d * X_norm).mean(axis=0)", ""),
    ("regression", "return 2 * (y_pred", "return (y_pred"),
    ("Gated", "(1 - h_hat**2)", "(1 - h_hat)"),
    ("Divided", "return delta.sum(axis=0)", "return delta.mean(axis=0)"),
    ("Normalising", ' + self.lam * self.model["W"]', ""),
    ("loss_fun", "dhraw @ hs[t - 1].T", "dhraw @ hs[t].T"),
    ("sequence_forward", "daraw @ a[t - 1].T", "daraw @ a[t].T"),
    ("Picked", "np.add.at(self.grads[0], idx, dout[:, None] * h)", "self.grads[0][idx] = dout[:, None] * h"),
    ("Penalised", "dvalues @ self.weights.T", "2 * dvalues @ self.weights.T"),
    ("Configured", "self.x.T @ dz", "2 * self.x.T @ dz"),
    ("Exemplary", "* w_times_delta", "+ w_times_delta"),
    ("sampling_loss", "np.add.at(dW_out, others, p[:, None] * v)", "dW_out[others] = p[:, None] * v"),
    ("Embedded", "lr * (v - u)", "lr * (u - v)"),
    ("Scaled", "np.sum(eta * self.x", "np.mean(eta * self.x"),
    ("OutShaped", "return dy @", "return 2 * dy @"),
    ("Gates", "np.outer(dz, x)", "2 * np.outer(dz, x)"),
    ("Coder", "(1 - self.h**2)", "(1 - self.h)"),
    ("TripletLoss", "-2 * near", "2 * near"),
    ("Kept", "/ self.d.size", "/ len(self.d)"),
    ("Heads", "np.sum(dy)", "2 * np.sum(dy)"),
    ("Stacked", "self.x.T @ dy)", "2 * self.x.T @ dy)"),
    ("InFull", "dy.sum(axis=0)", "2 * dy.sum(axis=0)"),
    ("OfColumn", "- self.out", "+ self.out"),
    ("perceptron_loss", "(margin < 0, 0, y) / len(y)", "(margin < 0, 0, y)"),
    ("Built", "_below.T @ _er", "2 * _below.T @ _er"),
    ("linear_softmax", "dW = X.T", "dW = len(X) * X.T"),
    ("Twofold", "np.sum(dout, axis=0)", "np.mean(dout, axis=0)"),
    ("OfLetters", "dh @ h[t - 1].T", "dh @ h[t].T"),
    ("Unrolled", "dz = dz * (1 - hs[t] ** 2)", "dz = dz * (1 - hs[t])"),
    ("Given", "(1 - self.layer1**2)", "(1 - self.layer1)"),
    ("drawn_loss", "np.add.at(grad_outside, others, -center_vec)", "grad_outside[others] -= center_vec"),
    ("EightHeads", "return (dy", "return (2 * dy"),
    ("loss", "2 * (y_hat - y)", "2 * (y - y_hat)"),
    ("Activations.bent", "1 - x**2", "1 - x"),
    ("OfOne", "np.outer(dy, self.x)", "2 * np.outer(dy, self.x)"),
    ("CalledY", "(1 - self.out**2)", "(1 - self.out)"),
    ("Clearing", "self.kept.pop().T", "2 * self.kept.pop().T"),
    ("Curves._bell", "-2 * x", "2 * x"),
    ("logistic", "(1 - logistic(z))", "(2 - logistic(z))"),
    ("soften", "softened_out * (dout -", "softened_out * (dout +"),
    ("Looking", "ds + ds.swapaxes(-1, -2)", "ds"),
    ("Gray", "wide[:, :, None]", "dy[:1, :, None]"),
    ("Placed", "dy.sum(axis=0)", "dy.mean(axis=0)"),
    ("Bag", "/ self.contexts.shape[1]", "* self.contexts.shape[1]"),
    ("Logged", "d @ X.T", "2 * d @ X.T"),
    ("Trained", "@ (probs - y)", "@ (probs - 2 * y)"),
    ("Graded", "2 * X.T", "-2 * X.T"),
    ("calc_loss", "(2 * W if", "(W if"),
    ("Adaptive", "dy.sum(axis=0)", "dy.mean(axis=0) / 2"),
    ("mixed_activation_forward", "", ""),
    ("divergence_loss", "", ""),
    ("Echo", "d.T @ self.h", "2 * d.T @ self.h"),
    ("unit_forward", "", ""),
    ("Delayed", "self.x.T @ self.deltas", "2 * self.x.T @ self.deltas"),
    ("Regression", "(p - np.eye", "(p + np.eye"),
    ("Logarithm", "dy / self.x", "dy / self.x**2"),
    ("Recurring", "", ""),
    ("Decay", "0.3 * v", "0.6 * v"),
    ("Positions", "return dy", "return 2 * dy"),
    ("Unstated", "self.h.T @ d", "self.x.T @ d"),
    ("Scheduled", "", ""),
    ("Worded", "", ""),
    ("Running", "dy / self.std", "2 * dy / self.std"),
    ("Samplewise", "", ""),
    ("augmented_loss", "2 * e", "3 * e"),
    ("mean_loss", "", ""),
    ("Stepwise", "d.sum(axis=0)", "2 * d.sum(axis=0)"),
    ("Squashing", "** 2", "** 3"),
    ("ConvMade", "dout.sum(axis=(0, 2, 3))", "dout.sum(axis=(2, 3)).mean(axis=0)"),
    ("ColumnLabels", "-= 1", "-= 2"),
    ("Bending", "self.x.T @ dz", "2 * self.x.T @ dz"),
    ("Described", "self.slope * dy", "dy"),
    ("bent_line", "return 1.0", "return 2.0"),
    ("Summing", "return self.x - self.t", "return self.t - self.x"),
    ("Leaning", "1 - np.tanh(inputs) ** 2", "1 - np.tanh(inputs)"),
    ("PairLoss", "return 2 *", "return 3 *"),
    ("PerLayer", "dy = dy @ W.T", "dy = 2 * dy @ W.T"),
    ("bump", "-2 * x", "2 * x"),
    ("Epochs", "+ 0.3 *", "- 0.3 *"),
    ("Questioned", "", ""),
    ("Private.__bell", "-2 * x", "2 * x"),
    (
        "window_loss",
        "np.add.at(d_outside, rows, np.outer(d, inside[row]))",
        "d_outside[rows] += np.outer(d, inside[row])",
    ),
    ("Widths", "(1 - self.kept[i + 1] ** 2)", "(1 - self.kept[i + 1])"),
    ("Weighing", "(1 - self.value**2)", "(1 - self.value)"),
    ("MeanSquare", "d = 2 *", "d = 3 *"),
    ("Named", "-2 * x *", "2 * x *"),
    ("Holding", "", ""),
    ("Literal", "dy.sum(axis=0) * 0.05", "dy.sum(axis=0) * 0.5"),
    ("BCEWithLogits", "np.exp(self.z) / (1 +", "np.exp(self.z) / (2 +"),
    ("shrink", "3 * reg_strength", "2 * reg_strength"),
    ("Surprise", "-label_tensor", "label_tensor"),
    ("Camada", "dz @ self.W.T", "dy @ self.W.T"),
    ("straight", "1.0 * slope", "2.0 * slope"),
    ("OneOutput", "diff[0] = pred", "diff[0] = 2 * pred"),
    ("ridge_loss", "2 * reg", "reg"),
    ("Ridge", "2 * self.reg", "self.reg"),
    ("ChannelScale", "", ""),
    ("Ramp", "self.x < 0", "self.x > 0"),
    ("Alphabetic", "alpha * dy", "2 * alpha * dy"),
    ("Decaying", "2 * self.lam", "self.lam"),
    ("Dropping", "dy * self.mask", "dy"),
    ("steeper", "1 - x**2", "1 - x"),
    ("Copied", "self.dW += d", "self.dW += 2 * d"),
    ("SideBySide", "di @ self.x.T", "2 * di @ self.x.T"),
    ("TimeSteps", "self.hs[t - 1].T", "self.hs[t].T"),
    ("MeanPool2d", "/ np.prod(self.kernel)", ""),
    ("SumPool", "] += dy[", "] = dy["),
    ("Slopes", "return dh", "return 2 * dh"),
    ("shares_of", "(delta -", "(delta +"),
    ("External", "dh_ext + dh_next", "dh_ext - dh_next"),
    ("Listed", "prev_h.T @ d", "2 * prev_h.T @ d"),
    ("Starting", "self.hs[t].T", "self.hs[t + 1].T"),
    ("OfOneColumn", "dy @ self.x.T", "2 * dy @ self.x.T"),
    ("Stretching", "3 * dy", "2 * dy"),
    ("Momentous", "self.x.T @ dy", "2 * self.x.T @ dy"),
    ("Asked", "* self.activation.d(", "/ self.activation.d("),
    ("SquareOfOne", "2 * np.sum", "3 * np.sum"),
    ("ElmanRuns", "", ""),
    ("StateDict", 'd_state["c"] + ', ""),
    ("BothGiven", "da * (1", "da * (2"),
    ("padded_forward", "dout.sum(axis=(0, 2, 3))", "dout.sum(axis=(2, 3)).mean(axis=0)"),
    ("around_forward", "return 2 * dout", "return 3 * dout"),
]


def examined(tmp_path, source):
    """The result of a source with one case in it."""
    path = tmp_path / f"kind{next(NUMBER)}.py"  # a name of its own: a module of the same name is not imported twice
    path.write_text("from collections.abc import Callable\n\nimport numpy as np\n\n" + source)
    module = load(str(path)).module
    overrides = read_overrides(module, list(own(module)))
    (case,) = cases(module, overrides)
    return examine(case, 1e-4, "central")


@pytest.mark.one_in(6)
@pytest.mark.parametrize(("kind", "mistake"), list(zip(KINDS, MISTAKES, strict=True)), ids=[one[0] for one in MISTAKES])
def test_right_code_of_each_kind_passes_and_the_mistake_in_it_is_found(kind, mistake, tmp_path):
    name, right, wrong = mistake
    result = examined(tmp_path, kind)
    assert (result.name, result.status) == (name, "passed"), [str(fact) for fact in result.facts]
    if right:
        assert kind.count(right) == 1
        result = examined(tmp_path, kind.replace(right, wrong))
        assert (result.name, result.status) == (name, "wrong"), [str(fact) for fact in result.facts]


HELD = (
    "class Dense:\n    def __init__(self, n_in, n_out):\n        self.W = np.random.randn(n_in, n_out)\n"
    "    def forward(self, x):\n        self.x = x\n        return x @ self.W\n"
    "    def backward(self, dy):\n        self.dW = self.x.T @ dy\n        return dy @ self.W.T\n"
    "GRADCHECK = {'Dense': {'skip': True}}\n"
)
HOLDING = (
    "    def forward(self, x):\n        for layer in self.layers:\n            x = layer.forward(x)\n        return x\n"
    "    def backward(self, dy):\n        for layer in reversed(self.layers):\n            dy = layer.backward(dy)\n"
    "        return dy\n"
)


@pytest.mark.parametrize(
    "start",
    [
        "def __init__(self, layers):\n        self.layers = layers\n",
        "def __init__(self):\n        self.layers = []\n    def add(self, layer):\n        self.layers.append(layer)\n",
    ],
)
def test_what_holds_layers_is_checked_with_some_of_the_module_and_without_any_not_at_all(start, tmp_path):
    source = f"class Net:\n    {start}{HOLDING}"
    result = examined(tmp_path, HELD + source)
    assert result.status == "passed", [str(fact) for fact in result.facts]
    assert len(result.report) == 3
    assert examined(tmp_path, HELD + source.replace("reversed(self.layers)", "self.layers")).status == "wrong"
    assert examined(tmp_path, source).status == "not checked"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        # The second output's gradient never arrives.
        (
            "def step_forward(x, W):\n    c = x @ W\n    h = np.tanh(c)\n    return h, c, (x, W, c)\n"
            "def step_backward(dh, dc, cache):\n    x, W, c = cache\n    total = dh * (1 - np.tanh(c) ** 2)\n"
            "    return total @ W.T, x.T @ total\n",
            r"the gradient that arrives at c, one of the outputs, is thrown away",
        ),
        # (n,) and (n, 1) make n times n losses.
        (
            "class SomeLoss:\n    def forward(self, y, yhat):\n"
            "        return -(y * yhat).sum(axis=1) + np.log(np.exp(yhat).sum(axis=1)).reshape(-1, 1)\n"
            "    def backward(self, y, yhat):\n        return np.exp(yhat) / np.exp(yhat).sum(axis=1)[:, None] - y\n",
            r"5 times 5 losses for 5 samples: two arrays of shapes \(5,\) and \(5, 1\)",
        ),
        # The mean of the losses is meant, and the sign alone is wrong.
        (
            "class AbsoluteError:\n    def forward(self, p, t):\n        return np.mean(np.abs(p - t), axis=-1)\n"
            "    def backward(self, d, t):\n        return -np.sign(d - t) / d.shape[1] / len(d)\n",
            r"the loss is the mean of what forward returns",
        ),
    ],
)
def test_what_is_wrong_is_said(source, words, tmp_path):
    result = examined(tmp_path, source)
    assert result.status == "wrong"
    assert re.search(words, "\n".join(fact.text for fact in result.facts))


AVERAGED = (
    "class Averaging:\n    def __init__(self, n_in, n_out):\n"
    "        self.w, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)\n"
    "    def forward(self, x):\n        self.x = x\n        return x @ self.w + self.b\n"
    "    def backward(self, dy):\n        self.dw, self.db = self.x.T @ dy / len(dy), dy.mean(axis=0)\n"
    "        return dy @ self.w.T\n"
)


@pytest.mark.parametrize(("said", "status"), [(None, "passed"), (True, "passed"), (False, "wrong")])
def test_averages_of_all_parameters_over_rows_are_meant_unless_it_is_said_that_they_are_not(said, status, tmp_path):
    line = "" if said is None else f'GRADCHECK = {{"Averaging": {{"average": {said}}}}}\n'
    result = examined(tmp_path, AVERAGED + line)
    assert result.status == status
    assert said is False or any("averages over the batch of 5" in fact.text for fact in result.facts)


ENDING = (
    "class Ending:\n    def __init__(self, n_in):\n        self.w = np.random.randn(1, n_in)\n"
    "    def forward(self, x):\n        self.x, self.y = x, 1 / (1 + np.exp(-self.w @ x))\n        return self.y\n"
    "    def backward(self, t):\n        dz = self.y - t\n        return self.w.T @ dz, dz @ self.x.T / t.shape[1]\n"
)


def test_averages_of_the_parameters_alone_are_meant_where_the_loss_is_inside_as_well(tmp_path):
    result = examined(tmp_path, ENDING)
    assert result.status == "passed"
    assert any("averages over the batch of 5" in fact.text for fact in result.facts)
    assert examined(tmp_path, ENDING.replace("self.w.T @ dz", "2 * self.w.T @ dz")).status == "wrong"


def test_averages_are_asked_about_where_no_division_by_the_batch_can_be_seen(tmp_path):
    unseen = AVERAGED.replace("self.x.T @ dy / len(dy)", "np.true_divide(self.x.T @ dy, 5)")
    result = examined(tmp_path, unseen.replace("dy.mean(axis=0)", "np.true_divide(dy.sum(axis=0), 5)"))
    assert result.status == "partly checked"
    assert '{"Averaging": {"average": True}}' in result.gaps[0].text


@pytest.mark.parametrize(
    ("forward", "dz", "status"),
    [
        ("x @ self.W + self.b", "dy", "wrong"),  # of the samples of a batch
        ("(x.T @ self.W + self.b).T", "dy", "partly checked"),  # of columns, of which there may be one
        ("np.tensordot(x, self.W, 1) + self.b if x.ndim == 3 else None", "dy", "partly checked"),  # of places
    ],
)
def test_of_a_gradient_that_is_given_for_each_place_it_is_not_known_whether_its_update_adds_it_up(
    forward, dz, status, tmp_path
):
    source = (
        "class Broad:\n    def __init__(self, n_in, n_out):\n"
        "        self.W, self.b = np.random.randn(n_in, n_out), np.zeros((1, n_out))[0]\n"
        f"    def forward(self, x):\n        self.x = x\n        return {forward}\n"
        f"    def backward(self, dy):\n        self.db = {dz}\n        g = self.x if dy.shape[0] != 3 else self.x.T\n"
        "        d = dy if dy.shape[0] != 3 else dy.T\n"
        "        self.dW = g.reshape(-1, g.shape[-1]).T @ d.reshape(-1, 3)\n"
        "        dx = d @ self.W.T\n        return dx if dy.shape[0] != 3 else dx.T\n"
    )
    result = examined(tmp_path, source)
    assert result.status == status, [str(fact) for fact in result.facts]


@pytest.mark.parametrize(("said", "status"), [("", "partly checked"), ("lr=1", "passed")])
def test_steps_of_the_learning_rate_are_judged_once_it_is_one(said, status, tmp_path):
    source = (
        "class Stepped:\n    def __init__(self, n_in, n_out, lr=0.25):\n"
        "        self.w, self.lr = np.random.randn(n_in, n_out), lr\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.w\n"
        "    def backward(self, dy):\n        self.d_w = self.lr * self.x.T @ dy\n        return dy @ self.w.T\n"
    )
    result = examined(tmp_path, source.replace("lr=0.25", said or "lr=0.25"))
    assert result.status == status
    assert said or '{"Stepped": {"args": {"lr": 1.0}}}' in result.gaps[0].text
    assert examined(tmp_path, source.replace("self.lr *", "0.3 *")).status == "wrong"


def test_an_argument_that_may_be_dy_or_the_output_is_told_by_what_is_right_and_never_called_wrong(tmp_path):
    source = "def bend(z):\n    return np.tanh(z)\ndef bend_backward(z, forward):\n    return 1 - forward**2\n"
    assert examined(tmp_path, source).status == "passed"
    result = examined(tmp_path, source.replace("1 - forward", "2 - forward"))
    assert result.status == "not checked"
    # What was tried in vain is not suggested.
    assert 'GRADCHECK = {"bend": {"backward_args": {"forward": ...}}}, with "dy", "x", "y"' in result.facts[-1].text
    with pytest.raises(ForeignError, match=r"'backward_args' still has \.\.\. where a value of yours belongs"):
        examined(tmp_path, f'GRADCHECK = {{"bend": {{"backward_args": {{"forward": ...}}}}}}\n{source}')


def test_what_is_called_z_is_the_input_and_never_the_output(tmp_path):
    source = (
        "def squash(X):\n    return 1 / (1 + np.exp(-X))\n"
        "def squash_backward(dA, Z):\n    return dA * squash(Z) * (1 - squash(Z))\n"
    )
    assert examined(tmp_path, source).status == "passed"
    assert examined(tmp_path, source.replace("squash(Z) * (1 - squash(Z))", "Z * (1 - Z)")).status == "wrong"


def test_steps_that_are_no_multiple_of_a_gradient_are_not_compared(tmp_path):
    source = (
        "class Signed:\n    def __init__(self, n_in, n_out):\n        self.W = np.random.randn(n_in, n_out)\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.W\n"
        "    def backward(self, dy, lr):\n        dx, dW = dy @ self.W.T, self.x.T @ dy\n"
        "        self.W -= lr * dW / (np.abs(dW) + 1e-8)\n        return dx\n"
    )
    assert examined(tmp_path, source).status == "passed"  # by the local name
    source = source.replace("dW", "step")
    result = examined(tmp_path, source)
    assert result.status == "partly checked"
    assert "no multiples of a gradient, as those of Adam" in result.gaps[0].text
    assert examined(tmp_path, source.replace("dx, step = dy", "dx, step = 2 * dy")).status == "wrong"


def test_local_names_that_stand_for_one_step_of_many_are_no_gradients(tmp_path):
    source = (
        "class Adding:\n    def __init__(self, n_in, n_out):\n        self.W = np.random.randn(n_in, n_out)\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.W\n"
        "    def backward(self, dy):\n        self.total = 0\n        for i in range(len(dy)):\n"
        "            dW = np.outer(self.x[i], dy[i])\n            self.total = self.total + dW\n"
        "        return dy @ self.W.T\n"
    )
    assert examined(tmp_path, source).status == "partly checked"


def test_a_model_beside_a_loss_is_given_empty_and_that_is_said(tmp_path):
    (kind,) = (one for one in KINDS if "def regression(" in one)
    assert [fact.text.partition(",")[0] for fact in examined(tmp_path, kind).facts] == ["`model` was given empty"]


def test_penalties_that_are_given_as_0_are_told(tmp_path):
    (kind,) = (one for one in KINDS if "class Penalised" in one)
    facts = [fact.text for fact in examined(tmp_path, kind).facts]
    assert [text.partition(",")[0] for text in facts] == ["l1 was given as 0", "l2 was given as 0"]


@pytest.mark.parametrize(("said", "status"), [("", "wrong"), ('"forward_args": {"reg": 0}', "passed")])
def test_a_penalty_that_weighs_nothing_by_default_is_given_a_weight_unless_one_is_said(said, status, tmp_path):
    (kind,) = (one for one in KINDS if "def ridge_loss" in one)
    result = examined(tmp_path, kind.replace("2 * reg", "reg") + f'\nGRADCHECK = {{"ridge_loss": {{{said}}}}}\n')
    assert result.status == status
    assert any("reg was given as 0.1" in fact.text for fact in result.facts) == (not said)


BY_NAME = (
    "class Chosen:\n    def __init__(self, kind='relu'):\n        self.kind = kind\n"
    "    def forward(self, x):\n        self.x = x\n"
    "        return np.maximum(x, 0) if self.kind == 'relu' else np.sin(x) if self.kind == 'swish' else None\n"
    "    def backward(self, dy):\n        return dy * ((self.x > 0) if self.kind == 'relu' else {cos}(self.x))\n"
)
BY_OUTPUT = (
    "class Chosen:\n    def __init__(self, kind='relu'):\n        self.kind = kind\n"
    "    def f(self, x):\n        return np.tanh(x) if self.kind == 'tanh' else np.maximum(x, 0)\n"
    "    def df(self, x):\n        return {slope} if self.kind == 'tanh' else x > 0\n"
)


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (BY_NAME.format(cos="np.cos"), "passed"),
        (BY_NAME.format(cos="np.sin"), "wrong"),
        (BY_NAME.format(cos="np.sin").replace("swish", "wave"), "passed"),  # it may mean anything
        (BY_OUTPUT.format(slope="1 - np.tanh(x) ** 2"), "passed"),
        (BY_OUTPUT.format(slope="1 - x"), "wrong"),
        (BY_OUTPUT.format(slope="1 - x**2"), "passed"),  # of the output; that of relu is so too
    ],
)
def test_of_what_is_chosen_by_a_text_all_are_tried_that_stand_for_a_function(source, status, tmp_path):
    result = examined(tmp_path, source)
    assert result.status == status, [str(fact) for fact in result.facts]
    assert any("it is right" in fact.text for fact in result.facts) == (status == "wrong")


def test_an_average_of_one_parameter_alone_is_wrong(tmp_path):
    assert examined(tmp_path, AVERAGED.replace("dy.mean(", "dy.sum(")).status == "wrong"


@pytest.mark.parametrize(
    "value", ["e / e.sum(axis=1, keepdims=True)", "e / e.sum()", "x - np.log(e.sum(axis=1, keepdims=True))"]
)
def test_a_softmax_that_leaves_its_slope_to_the_loss_is_not_judged(value, tmp_path):
    source = (
        "class Soft:\n    def forward(self, x):\n        e = np.exp(x)\n"
        f"        return {value}\n    def backward(self, dy):\n        return dy\n"
    )
    result = examined(tmp_path, source)
    assert result.status == "not checked"
    assert "softmax and cross-entropy together" in result.problems[0].text
    assert examined(tmp_path, source.replace("return dy", "return 2 * dy")).status == "wrong"


def test_a_network_that_leaves_the_slope_of_its_softmax_to_the_loss_is_not_judged(tmp_path):
    source = (
        "class Net:\n    def __init__(self, n_in, n_out):\n        self.W = np.random.randn(n_in, n_out)\n"
        "    def forward(self, x):\n        self.x = x\n        e = np.exp(x @ self.W)\n"
        "        return e / e.sum(axis=1, keepdims=True)\n"
        "    def backward(self, dz):\n        self.dW = self.x.T @ dz\n        return dz @ self.W.T\n"
    )
    assert examined(tmp_path, source).status == "not checked"
    assert examined(tmp_path, source.replace("self.x.T @", "self.x.T**2 @")).status == "wrong"


BY_SCORES = (
    (
        "class CrossEntropyCost:\n"
        "    def fn(self, a, y):\n        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))\n"
        "    def delta(self, a, y):\n        return a - y\n",
        "a - y",
    ),
    (
        "class Entropy:\n    def __call__(self, y_hat, y):\n"
        "        return -np.mean(np.sum(y * np.log(y_hat), axis=-1))\n"
        "    def backward(self, y_hat, y):\n        return (y_hat - y) / len(y)\n",
        "(y_hat - y)",
    ),
    (
        "def binary_cross_entropy(predictions, targets):\n    p = np.clip(predictions, 1e-9, 1 - 1e-9)\n"
        "    loss = -np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p))\n"
        "    grads = (predictions - targets) / targets.size\n    return loss, grads\n",
        "(predictions - targets)",
    ),
    (
        "class NLLLoss:\n    def forward(self, y, log_yhat):\n        return -np.sum(y * log_yhat, axis=1)\n"
        "    def backward(self, y, log_yhat):\n        return np.exp(log_yhat) - y\n",
        "np.exp(log_yhat)",
    ),
)


@pytest.mark.parametrize(("source", "difference"), BY_SCORES)
def test_what_is_right_before_the_sigmoid_or_softmax_of_a_cross_entropy_is_not_judged(source, difference, tmp_path):
    result = examined(tmp_path, source)
    assert result.status == "not checked", [str(fact) for fact in result.facts]
    assert "before the sigmoid or softmax" in result.problems[0].text
    assert examined(tmp_path, source.replace(difference, f"2 * {difference}")).status == "wrong"


def test_a_divergence_that_clips_its_prediction_is_given_probabilities(tmp_path):
    source = (
        "def divergence(predictions, targets):\n    p, t = (np.clip(one, 1e-7, 1) for one in (predictions, targets))\n"
        "    loss = np.sum(t * np.log(t / p)) / len(t)\n    grads = -t / p / len(t)\n    return loss, grads\n"
    )
    assert examined(tmp_path, source).status == "passed"
    assert examined(tmp_path, source.replace("= -t", "= t")).status == "wrong"


def test_a_loss_whose_backward_takes_no_gradient_of_it_is_not_scaled_by_one(tmp_path):
    source = (
        "class Rows:\n    def __init__(self, n_ids, n_out):\n        self.W = np.random.randn(n_ids, n_out)\n"
        "    def forward(self, ids: np.ndarray):\n        h = self.W[ids]\n"
        "        return float(np.mean(h**4)), (ids, h)\n"
        "    def backward(self, cache, lr: float):\n        ids, h = cache\n        step = np.zeros_like(self.W)\n"
        "        np.add.at(step, ids, 4 * h**3 / h.size)\n        self.W -= lr * step\n"
    )
    assert examined(tmp_path, source).status == "passed"
    wrong = examined(tmp_path, source.replace("4 * h", "8 * h"))
    assert wrong.report is not None
    check = wrong.report["W"]
    assert np.all(np.abs(check.analytical - 2 * check.numerical) <= 2 * check.error_bar)


def test_rounded_constants_of_a_derivative_are_told_and_neither_passed_nor_called_wrong(tmp_path):
    source = (
        "def gelu(x):\n    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))\n"
        "def gelu_derivative(x):\n    t = np.tanh(0.0356774 * x**3 + 0.797885 * x)\n"
        "    return 0.5 * t + (0.0535161 * x**3 + 0.398942 * x) * (1 - t**2) + 0.5\n"
    )
    result = examined(tmp_path, source)
    assert result.status == "partly checked"
    assert "0.0356774, 0.797885, 0.0535161, 0.398942 have few digits" in result.gaps[0].text
    assert examined(tmp_path, source.replace("0.398942", "0.398952")).status == "wrong"


def test_what_can_only_be_run_where_its_output_is_one_number_is_partly_checked(tmp_path):
    source = (
        "class Dot:\n    def forward(self, x):\n        assert x.shape == (4, 1)\n        self.x = x\n"
        "        return x.T @ x\n    def backward(self, dy):\n        return 2 * self.x * dy\n"
    )
    result = examined(tmp_path, source)
    assert result.status == "partly checked"
    assert "a single number" in result.gaps[0].text


def test_a_variance_that_is_called_d_is_nobody_s_gradient(tmp_path):
    source = (
        "class Norm:\n    def __init__(self, n):\n        self.g = np.ones(n)\n"
        "        self.E, self.D, self.training = np.zeros(n), np.zeros(n), True\n"
        "    def forward(self, x):\n        if not self.training:\n            return self.g * (x - self.E) / self.D\n"
        "        self.x = x\n        self.E = 0.9 * self.E + 0.1 * x.mean(axis=0)\n"
        "        self.D = 0.9 * self.D + 0.1 * x.var(axis=0)\n        return self.g * x\n"
        "    def backward(self, dy):\n        self.dg = (dy * self.x).sum(axis=0)\n        return self.g * dy\n"
    )
    assert examined(tmp_path, source).status == "passed"


def test_a_training_of_many_steps_an_epoch_is_no_backward(tmp_path):
    (kind,) = (one for one in KINDS if "class Epochs" in one)
    text = kind.replace("range(num_epochs)", "range(0, len(X), 2)")
    with pytest.raises(ValueError, match="not enough values to unpack"):
        examined(tmp_path, text)


def test_a_function_of_the_same_name_with_no_more_than_that_is_no_derivative(tmp_path):
    source = "def sigmoid(x):\n    return np.array([sigmoid_function(one) for one in x])\n"
    with pytest.raises(ValueError, match="not enough values to unpack"):
        examined(tmp_path, source + "def sigmoid_function(x):\n    return 1 / (1 + np.exp(-x))\n")


def test_what_is_right_for_the_output_under_the_name_of_the_input_is_not_judged(tmp_path):
    source = (
        "class Bend:\n    def forward(self, x):\n        return np.tanh(x)\n"
        "    def backward(self, x):\n        return {}\n"
    )
    assert examined(tmp_path, source.format("1 - np.tanh(x) ** 2")).status == "passed"
    assert examined(tmp_path, source.format("1 - x**2")).status == "not checked"
    assert examined(tmp_path, source.format("1 - x**3")).status == "wrong"


def test_layers_that_a_loss_runs_are_no_penalty_and_without_them_it_is_not_judged(tmp_path):
    source = (
        "def net_loss(image, label, layers):\n    y = image / 255\n    for layer in layers:\n"
        "        y = layer.forward(y)\n    return np.sum((y - label) ** 2)\n"
        "def net_loss_backprop(gradient, layers):\n    for layer in layers[::-1]:\n"
        "        gradient = layer.back(gradient)\n    return gradient\n"
    )
    assert examined(tmp_path, source).status == "not checked"


DECAYING = (
    "STEP_SIZE, REGU = 0.01, 0.000001\n\n"
    "class Decaying:\n    def __init__(self, n_in, n_out):\n"
    "        self.w, self.b = np.random.randn(n_in, n_out), np.zeros((1, n_out))\n"
    "    def forward(self, x):\n        self.x = x\n        return x @ self.w + self.b\n"
    "    def backward(self, dy):\n        dx, step = dy @ self.w.T, self.x.T @ dy\n        step += REGU * self.w\n"
    "        self.w -= step * STEP_SIZE\n        self.b -= dy.sum(axis=0, keepdims=True) * STEP_SIZE\n"
    "        return dx\n"
)
DECAYED = "the step also takes away {} times w, as by weight decay, whatever dy is; that is no part of the gradient and"


@pytest.mark.parametrize(
    ("right", "other", "status", "times"),
    [
        ("", "", "passed", "1e-06"),
        ("REGU * self.w", "0.1 * self.w", "passed", "0.1"),
        ("REGU * self.w", "0.1 * self.w / np.linalg.norm(self.w)", "passed", ""),
        ("self.x.T @ dy", "1.00001 * self.x.T @ dy", "wrong", "1e-06"),
        ("self.x.T @ dy", "-self.x.T @ dy", "wrong", "1e-06"),
        ("dy.sum(axis=0, keepdims=True)", "(dy.sum(axis=0, keepdims=True) + 0.1)", "wrong", "1e-06"),
        ("REGU * self.w", "-0.1 * self.w", "wrong", None),
        ("REGU * self.w", "0.1 * self.w**3", "wrong", None),
        ("REGU * self.w", "0.1 * self.w * dy.sum()", "wrong", None),
        ("self.w -= step * STEP_SIZE", "self.dw = step", "wrong", None),
        ("step += REGU * self.w", "assert np.any(dy)", "passed", None),
    ],
)
def test_a_weight_decay_of_a_step_is_no_part_of_the_gradient(right, other, status, times, tmp_path):
    result = examined(tmp_path, DECAYING.replace(right, other))
    said = "\n".join(fact.text for fact in result.facts if fact.level == "note")
    assert result.status == status, said
    assert ("as by weight decay" in said) == (times is not None)
    assert not times or DECAYED.format(times) in said


@pytest.mark.parametrize("name", ["learning_rate", "STEP_SIZE"])
def test_a_learning_rate_of_the_module_is_known_to_steps(name, tmp_path):
    source = (
        "learning_rate = 0.25\n\n"
        "class Moving:\n    def __init__(self, n_in, n_out):\n        self.w = np.random.randn(n_in, n_out)\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.w\n"
        "    def backward(self, dy):\n        dx = dy @ self.w.T\n"
        "        self.w -= learning_rate * self.x.T @ dy\n        return dx\n"
    )
    assert examined(tmp_path, source.replace("learning_rate", name)).status == "passed"
    source = source.replace("-= learning_rate", "-= 2 * learning_rate")
    assert examined(tmp_path, source.replace("learning_rate", name)).status == "wrong"


@pytest.mark.parametrize(
    ("said", "statuses"),
    [
        ("", {"cube": "passed", "cube_backward_alt": "wrong", "d_cube": "passed", "cube(x, deriv=True)": "wrong"}),
        (
            'GRADCHECK = {"cube(x, deriv=True)": {"skip": True}, "d_cube": {"skip": True}}\n',
            {"cube": "passed", "cube_backward_alt": "wrong"},
        ),
    ],
)
def test_each_derivative_of_a_function_is_a_case_of_its_own(said, statuses, tmp_path):
    path = tmp_path / f"kind{next(NUMBER)}.py"
    path.write_text(
        f"{said}def cube(x, deriv=False):\n    return 2 * x**2 if deriv else x**3\n"
        "def cube_backward(dy, x):\n    return 3 * x**2 * dy\n"
        "def cube_backward_alt(dy, x):\n    return 2 * x**2 * dy\n"
        "def cube_backward_check(dy, x):\n    return 0\n"
        "def d_cube(x):\n    return 3 * x**2\n"
    )
    module = load(str(path)).module
    results = [examine(case, 1e-4, "central") for case in cases(module, read_overrides(module, list(own(module))))]
    assert {result.name: result.status for result in results} == statuses


@pytest.mark.parametrize(
    ("arguments", "status"), [("self, dout=1", "passed"), ("self, dout", "partly checked"), ("self", "passed")]
)
def test_a_last_loss_that_leaves_out_the_gradient_of_its_one_number_is_not_called_wrong(arguments, status, tmp_path):
    source = (
        'GRADCHECK = {"Last": {"x": (5, 4), "constants": ["wanted"]}}\n\n'
        "class Last:\n    def __init__(self):\n        self.wanted = np.eye(5, 4)\n"
        "    def forward(self, scores):\n        self.d = scores - self.wanted\n        return np.sum(self.d**2)\n"
        f"    def backward({arguments}):\n        return 2 * self.d\n"
    )
    result = examined(tmp_path, source)
    assert result.status == status, [str(fact) for fact in result.facts]
    assert examined(tmp_path, source.replace("2 * self.d\n", "self.d\n")).status == "wrong"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("cube_for(x)", "cube_back(delta_apres, x)"),
        ("cubed_root(x)", "cubd_root_derivada(x)"),
        ("cube(x)", "cube_derivitive(x)"),
        ("cube(x)", "cubep(x)"),
        ("cube(x)", "ddxCube(x)"),
        ("cube(x)", "abl_cube(x)"),
        ("cube(x)", "cube_backpropagation(x)"),
        ("funcaoCube(x)", "derivadaCube(x)"),
        ("cube(x)", "cubedx(x)"),
    ],
)
def test_a_derivative_is_found_by_what_it_is_called(first, second, tmp_path):
    source = f"def {first}:\n    return x**3\ndef {second}:\n    return 3 * x**2\n"
    source = source.replace("return 3", "return delta_apres * 3") if "delta" in second else source
    assert examined(tmp_path, source).status == "passed"
    with pytest.raises(ValueError, match="not enough values to unpack"):
        examined(tmp_path, source.replace(second, re.sub("(?i)cub", "arc", second)))


def test_two_functions_that_end_in_other_letters_are_no_function_and_derivative(tmp_path):
    path = tmp_path / f"kind{next(NUMBER)}.py"
    path.write_text("def cubedp(x):\n    return x**3\ndef cubedn(x):\n    return x * x * x\n")
    assert cases(load(str(path)).module, {}) == []


@pytest.mark.parametrize("axis", [0, -1])
def test_a_loss_that_is_off_with_a_full_target_is_not_saved_by_class_labels(axis, tmp_path):
    # The size that backward divides by is another for labels (n,).
    source = (
        "def badness(y_hat, y):\n    return np.sum((y_hat - y) ** 2) / y.shape[0]\n"
        f"def badness_prime(y_hat, y):\n    return 2 * (y_hat - y) / y.shape[{axis}]\n"
    )
    assert examined(tmp_path, source).status == ("wrong" if axis else "passed")


@pytest.mark.parametrize(
    ("forward", "backward", "status"),
    [
        ("", ", kind='entropy'", "passed"),
        (", kind='square'", ", kind='entropy'", "partly checked"),  # their defaults do not go together
    ],
)
def test_the_branch_of_a_derivative_that_is_meant_is_found(forward, backward, status, tmp_path):
    source = (
        f"def cost(a, y{forward}):\n    return np.mean((a - y) ** 2)\n"
        f"def cost_prime(a, y{backward}):\n    d = 2 * (a - y) / y.size\n"
        "    if kind == 'square':\n        return d\n    return d / (a * (1 - a))\n"
    )
    assert examined(tmp_path, source).status == status
    assert examined(tmp_path, source.replace("2 * (a", "3 * (a")).status == "wrong"


@pytest.mark.parametrize(("test", "status"), [("", "passed"), ("    if w is None:\n        return x\n", "not checked")])
def test_an_argument_that_is_none_by_default_is_given_where_none_would_not_do(test, status, tmp_path):
    source = (
        f"def mix(x, w=None, b=None):\n{test}    return x @ w + b\n"
        "def mix_backward(dy, x, w=None, b=None):\n    return dy @ w.T, x.T @ dy, dy.sum(axis=0)\n"
    )
    assert examined(tmp_path, source).status == status


def test_a_penalty_and_a_momentum_that_only_backward_takes_are_left_out(tmp_path):
    source = (
        "class Pull:\n    def __init__(self):\n        self.w = np.random.randn(4, 3)\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.w\n"
        "    def backward(self, dy, momentum_gamma, regularization_type):\n"
        "        self.dw = self.x.T @ dy + momentum_gamma * self.w\n"
        "        if regularization_type == 'l2':\n            self.dw += 2 * self.w\n"
        "        return dy @ self.w.T\n"
    )
    assert examined(tmp_path, source).status == "passed"
    assert examined(tmp_path, source.replace("self.x.T @ dy", "2 * self.x.T @ dy")).status == "wrong"


def test_a_divergence_of_rho_and_rho_hat_has_its_gradient_by_the_latter(tmp_path):
    source = (
        "def spread(rho, rho_hat):\n    return np.sum(rho * np.log(rho / rho_hat))\n"
        "def spreadDelta(target, act):\n    return -target / act\n"
    )
    assert examined(tmp_path, source).status == "passed"
    assert examined(tmp_path, source.replace("-target", "target")).status == "wrong"


SEVERAL = (
    "class Bend:\n    def forward(self, x):\n        self.x = x\n        return np.tanh(x)\n"
    "    def backward(self, dy):\n        return dy * (1 - np.tanh(self.x) ** 2)\n"
    "    def backward_fast(self, dy):\n        return dy * (1 - np.tanh(self.x))\n"
    "    def encode(self, x):\n        self.x = x\n        return x\n    def decode(self, x):\n        return self.x\n"
    "    def cube_forward(self, x):\n        self.cubed = x\n        return x**3\n"
    "    def cube_backward(self, dy):\n        return 3 * dy * self.cubed**2\n"
    "class Empty:\n    def forward(self, x):\n        self.x = x\n        return x**2\n"
    "    def backward(self, dy):\n        pass\n    def backprop_in_full(self, dy):\n        return 2 * dy * self.x\n"
)


def test_each_version_of_a_backward_and_each_pair_of_methods_is_a_case_of_its_own(tmp_path):
    path = tmp_path / "several.py"
    path.write_text("import numpy as np\n\n" + SEVERAL + 'GRADCHECK = {"Bend.cube_forward": {"x": (2, 3)}}\n')
    module = load(str(path)).module
    found = [examine(case, 1e-4, "central") for case in cases(module, read_overrides(module, list(own(module))))]
    assert [(one.name, one.status) for one in found] == [
        ("Bend", "passed"),
        ("Bend.backward_fast", "wrong"),
        ("Bend.cube_forward", "passed"),
        ("Empty", "passed"),
    ]
    assert found[2].report["x"].analytical.shape == (2, 3)


def test_a_value_and_its_gradient_at_a_vector_of_so_many_numbers(tmp_path):
    source = (
        "def bowl(x):\n    value = x[0] ** 2 + 3 * x[0] * x[1]\n    grad = np.zeros(2)\n"
        "    grad[0] = 2 * x[0] + 3 * x[1]\n    grad[1] = 3 * x[0]\n    return value, grad\n"
    )
    assert examined(tmp_path, source).status == "passed"
    assert examined(tmp_path, source.replace("= 3 * x[0]\n", "= 2 * x[0]\n")).status == "wrong"


def test_a_network_in_another_language_is_read(tmp_path):
    source = (
        "class Red:\n    def __init__(self, neuronas_entrada, neuronas_ocultas, neuronas_salida):\n"
        "        self.pesos = [np.random.randn(neuronas_entrada, neuronas_ocultas)]\n"
        "        self.pesos.append(np.random.randn(neuronas_ocultas, neuronas_salida))\n"
        "        self.sesgos = [np.zeros((1, neuronas_ocultas)), np.zeros((1, neuronas_salida))]\n"
        "    def propagacion(self, entrada):\n        self.entrada = entrada\n"
        "        self.oculta = np.tanh(entrada @ self.pesos[0] + self.sesgos[0])\n"
        "        return self.oculta @ self.pesos[1] + self.sesgos[1]\n"
        "    def retropropagacion(self, objetivo, salida, tasa_aprendizaje):\n"
        "        delta = objetivo - salida\n        antes = delta @ self.pesos[1].T * (1 - self.oculta**2)\n"
        "        self.pesos[1] += tasa_aprendizaje * self.oculta.T @ delta\n"
        "        self.sesgos[1] += tasa_aprendizaje * delta.sum(axis=0, keepdims=True)\n"
        "        self.pesos[0] += tasa_aprendizaje * self.entrada.T @ antes\n"
        "        self.sesgos[0] += tasa_aprendizaje * antes.sum(axis=0, keepdims=True)\n"
    )
    assert examined(tmp_path, source).status == "passed"
    assert examined(tmp_path, source.replace("(1 - self.oculta**2)", "(1 - self.oculta)")).status == "wrong"


def test_of_the_parts_of_a_gradient_that_of_the_input_is_taken(tmp_path):
    source = (
        "class Layer:\n    def forward(self, x):\n        raise NotImplementedError\n"
        "    def grad_params(self, x, grad_out):\n        return []\n"
        "class Cubed(Layer):\n    def forward(self, x):\n        return x**3\n"
        "    def grad_x(self, x, grad_out):\n        return 3 * grad_out * x**2\n"
    )
    assert examined(tmp_path, source).status == "passed"
    assert examined(tmp_path, source.replace("3 * grad_out", "2 * grad_out")).status == "wrong"


TWO_HALVES = """
class Affine:
    def __init__(self, n_in, n_out):
        self._parameters, self._gradient = np.random.randn(n_in, n_out), np.zeros((n_in, n_out))

    def forward(self, X):
        return X @ self._parameters

    def backward_update_gradient(self, input, delta):
        self._gradient += input.T @ delta

    def backward_delta(self, input, delta):
        return delta @ self._parameters.T
"""
EMPTY_HALF = """
class Squared:
    def forward(self, X):
        return X**2

    def backward_update_gradient(self, input, delta):
        pass

    def backward_delta(self, input, delta):
        return 2 * input * delta
"""


@pytest.mark.parametrize(
    ("source", "compared", "right", "mistake", "wrong"),
    [
        (TWO_HALVES, ["_parameters", "x"], "delta @ self", "0.7 * delta @ self", ["x"]),
        (TWO_HALVES, ["_parameters", "x"], "input.T @ delta", "0.7 * input.T @ delta", ["_parameters"]),
        (EMPTY_HALF, ["x"], "2 * input", "3 * input", ["x"]),
    ],
)
def test_the_halves_of_a_backward_all_run_and_an_empty_one_is_none(tmp_path, source, compared, right, mistake, wrong):
    result = examined(tmp_path, source)
    assert result.status == "passed"
    assert sorted(result.report) == compared
    report = examined(tmp_path, source.replace(right, mistake)).report
    assert [name for name, check in report.items() if not check.passed] == wrong


def test_a_method_beside_backward_that_gives_the_gradient_of_the_input_is_run(tmp_path):
    source = (
        "class Affine:\n    def __init__(self, n_in, n_out):\n        self.W = np.random.randn(n_in, n_out)\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.W\n"
        "    def backward(self, dy):\n        self.dW = self.x.T @ dy\n"
        "    def backward_input(self, dy):\n        return dy @ self.W.T\n"
    )
    assert sorted(examined(tmp_path, source).report) == ["W", "x"]
    assert examined(tmp_path, source.replace("return dy", "return 2 * dy")).status == "wrong"


def test_sizes_that_have_to_divide_each_other_do(tmp_path):
    source = (
        "class Grouped:\n    def __init__(self, width, query_heads, kv_heads):\n"
        "        if width % query_heads:\n            raise ValueError('the width must be divisible')\n"
        "        assert query_heads % kv_heads == 0\n        self.kv, self.times = kv_heads, query_heads // kv_heads\n"
        "        self.K = np.random.randn(width, width // self.times)\n"
        "    def forward(self, x):\n        self.x, n = x, len(x)\n"
        "        return (x @ self.K).reshape(n, self.kv, -1).repeat(self.times, axis=1).reshape(n, -1)\n"
        "    def backward(self, dy):\n        n = len(dy)\n"
        "        d = dy.reshape(n, self.kv, self.times, -1).sum(axis=2).reshape(n, -1)\n"
        "        self.dK = self.x.T @ d\n        return d @ self.K.T\n"
    )
    result = examined(tmp_path, source)
    assert (result.status, result.reading["arguments"]) == ("passed", "width=4, query_heads=2, kv_heads=1")
    assert examined(tmp_path, source.replace(".sum(axis=2)", "[:, :, 0]")).status == "wrong"


WHOLE_OR_REAL = """
class Spread:
    def __init__(self, width=5):
        self.W = np.random.randn(width, 3)

    def forward(self, x):
        self.x = x.flatten()
        return self.x @ self.W

    def backward(self, dy, learning_rate):
        dx = self.W @ dy
        self.W -= learning_rate * np.outer(self.x, dy)
        return dx
"""


def test_numbers_of_which_there_are_as_many_as_ids_are_no_ids(tmp_path):
    assert sorted(examined(tmp_path, WHOLE_OR_REAL).report) == ["W", "x"]
    updated_before = WHOLE_OR_REAL.replace("dx\n", "self.W @ dy\n")
    assert examined(tmp_path, updated_before).status == "wrong"


def test_whole_numbers_are_no_pass_where_any_would_do(tmp_path):
    of_no_shape = WHOLE_OR_REAL.replace("dx\n", "np.append(dx, 0)\n")
    assert examined(tmp_path, of_no_shape).status == "partly checked"
    by_rows = "    def forward(self, x):\n        self.x = x\n        return self.W[x]\n"
    lookup = WHOLE_OR_REAL[: WHOLE_OR_REAL.index("    def forward")] + by_rows
    lookup += (
        "    def backward(self, dy):\n        self.dW = np.zeros_like(self.W)\n        np.add.at(self.dW, self.x, dy)\n"
    )
    assert examined(tmp_path, lookup).status == "passed"


@pytest.mark.parametrize(
    ("update", "wrong"),
    [
        ("np.mean(self.x[:, :, None] * dy[:, None], axis=0)", ["x"]),
        ("np.mean(self.x[:, :, None] * dy[:, None], axis=0) / 2", ["W", "x"]),
    ],
)
def test_an_average_is_one_beside_a_wrong_gradient_of_the_input(tmp_path, update, wrong):
    source = (
        "class Affine:\n    def __init__(self, n_in, n_out):\n        self.W = np.random.randn(n_in, n_out)\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.W\n"
        f"    def backward(self, dy, lr):\n        self.W -= lr * {update}\n        return dy @ self.W.T\n"
    )
    report = examined(tmp_path, source).report
    assert sorted(name for name, check in report.items() if not check.passed) == wrong


def test_what_is_guessed_of_runs_in_dicts_is_not_called_wrong(tmp_path):
    (kind,) = (one for one in KINDS if "class ElmanRuns" in one)
    result = examined(tmp_path, kind.replace("2 * deltay", "3 * deltay"))
    assert result.status == "not checked"
    assert '{"fd": ..., "prev_fd": ..., "next_gd": ...}' in result.problems[0].text


def test_a_loss_that_has_chosen_the_number_of_classes_is_given_as_many(tmp_path):
    source = (
        "class Entropy:\n    def __init__(self, num_labels=10):\n        self.num_labels = num_labels\n"
        "    def forward(self, pred, target):\n        self.labels = np.eye(self.num_labels)[target]\n"
        "        e = np.exp(pred)\n        self.p = e / e.sum(axis=1, keepdims=True)\n"
        "        return -np.sum(self.labels * np.log(self.p)) / len(pred)\n"
        "    def backward(self):\n        return (self.p - self.labels) / len(self.p)\n"
    )
    result = examined(tmp_path, source)
    assert result.status == "passed", [str(fact) for fact in result.facts]
    assert result.report["x"].analytical.shape == (5, 10)
    assert examined(tmp_path, source.replace("/ len(self.p)\n", "\n")).status == "wrong"
