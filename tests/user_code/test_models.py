"""Whole models as functions are found and read without a line: right they pass, and the mistake in each is found."""

from itertools import count
from pathlib import Path

import pytest

from mlp.user_code.check import examine
from mlp.user_code.load.discovery import cases, own
from mlp.user_code.load.importing import load
from mlp.user_code.process import check_module
from mlp.user_code.settings import read_overrides

SOURCES = (Path(__file__).parent / "corpus" / "models.py").read_text().split("\n\n\n# ")[1:]
MODELS = {kind: source for kind, _, source in (block.partition("\n") for block in SOURCES)}
NUMBER = count()


pytestmark = pytest.mark.usefixtures("verdict_alone")

# What is replaced in each to make it wrong, and the parameters whose gradients that makes wrong.
MISTAKES = {
    "columns": ("(1 - A1**2)", "(1 - A1**2) / m", {"W1", "b1"}),
    "penalty": ("2 * lambd * params", "lambd * params", {"W1"}),
    "any depth": ("d.sum(axis=1, keepdims=True)", "d.mean(axis=1, keepdims=True)", {"b1", "b2", "b3"}),
    "cost from forward": ('"dW2": d', '"dW2": 2 * d', {"W2"}),
    "gradients first": ('"db": np.mean(', '"db": np.sum(', {"b"}),
    "labels": ("+ 2 * self.reg * W1", "+ self.reg * W1", {"params.W1"}),
    "step of a function": ("(1 - h**2)", "(1 - h)", {"W1"}),
    "a vector": ("np.mean(error)", "np.sum(error)", {"b"}),
    "classes by number": ('"W1": X.T', '"W1": -X.T', {"W1"}),
    "no loss": ("return dZ1 @ X.T / m", "return dZ1 @ X.T", {"W1"}),
    "training step": ("(1 - self.h**2)", "(1 - self.h)", {"W1"}),
    "target in backward": ("dW2 = (self.W2.T", "dW2 = (2 * self.W2.T", {"W1"}),
    "shape that does not fit": ("probas - targets, axis=0)", "probas - targets)", {"b"}),
    "cell methods": ("h_prev.T @ da", "h_prev.T @ dh", {"Wh"}),
    "scores": ("= -dscore", "= dscore", {"x"}),
    "one vector of all": ("(1 - h[:, 1:] ** 2)", "(1 - h[:, 1:])", {"nn_params"}),
    "a bias inside": ("d.T @ h", "2 * d.T @ h", {"theta2"}),
    "a list of layers": ('memory["A" + str(i - 1)].T @ dZ', '2 * memory["A" + str(i - 1)].T @ dZ', {"W1", "W2"}),
    "one vector of an autoencoder": ("beta * sparse[:, None]", "sparse[:, None]", {"theta"}),
    "one vector of one layer": ("- p) @ data.T", "- p) @ data.T * 2", {"theta"}),
    "probabilities that forward computed": ("dS.T @ X", "2 * dS.T @ X", {"W"}),
    "one sample at a time, in layers that are kept": ("* (1 - self.layers[i] ** 2)", "", {"weights.0"}),
    "layers": ('layer["W"] + layer["b"]', 'layer["W"] + 2 * layer["b"]', {"0.b", "1.b", "2.b"}),
}


def examined(tmp_path, source):
    """The result of the one case in a source."""
    path = tmp_path / f"model{next(NUMBER)}.py"
    path.write_text("import numpy as np\n\n\n" + source)
    module = load(str(path)).module
    overrides = read_overrides(module, list(own(module)))
    (case,) = cases(module, overrides)
    return examine(case, 1e-4, "central")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("kind", MODELS)
def test_a_right_model_passes_with_every_parameter_compared(kind, tmp_path):
    result = examined(tmp_path, MODELS[kind])
    assert result.status == "passed", [str(fact) for fact in result.facts]
    assert set(result.report) == {pair.tensor for pair in result.pairs}
    assert MISTAKES[kind][2] <= set(result.report)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("kind", MODELS)
def test_the_wrong_gradients_are_named_and_no_others(kind, tmp_path):
    right, wrong, tensors = MISTAKES[kind]
    assert right in MODELS[kind]
    result = examined(tmp_path, MODELS[kind].replace(right, wrong))
    assert result.status == "wrong"
    misfits = {pair.tensor for pair in result.pairs if not pair.fits}
    checks = result.report.items() if result.report is not None else ()
    assert misfits | {name for name, check in checks if not check.passed} == tensors


def test_an_update_that_comes_too_early_is_named(tmp_path):
    late = "        self.W2 -= self.lr * g2\n        self.W1"
    source = (
        MODELS["training step"]
        .replace(late, "        self.W1")
        .replace("        g1,", "        self.W2 -= self.lr * self.h.T @ d\n        g1,")
    )
    result = examined(tmp_path, source)
    assert result.status == "wrong"
    (fact,) = result.problems
    assert (
        "train_step updates a parameter too early: the update of W1 is right for a tiny learning rate only" in fact.text
    )


def test_a_loss_beside_backward_counts_though_backward_has_the_gradients_of_another(tmp_path):
    source = MODELS["labels"].replace(".mean() +", ".sum() +").replace("2 * self.reg", "0 * self.reg")
    result = examined(tmp_path, source.replace("self.reg * penalty", "0 * penalty"))
    assert result.status == "wrong"
    assert "and not those of its compute_loss" in "\n".join(fact.text for fact in result.facts)


def test_what_is_right_for_one_output_alone_is_no_pass(tmp_path):
    result = examined(
        tmp_path,
        MODELS["columns"].replace("dZ2.sum(axis=1, keepdims=True)", "np.full_like(parameters['b2'], dZ2.sum())"),
    )
    assert result.status == "partly checked"
    (fact,) = result.gaps
    assert "with one output all gradients are right, with 3 those of b2 are not" in fact.text


def test_a_loss_that_has_to_be_guessed_and_suits_nothing_is_not_called_wrong(tmp_path):
    result = examined(tmp_path, MODELS["no loss"].replace("dZ2 = A2 -", "dZ2 = A2**2 -"))
    assert result.status == "not checked"
    assert [fact.level for fact in result.facts] == ["note"]


def test_a_training_step_is_not_judged_by_a_number_that_is_no_loss(tmp_path):
    path = tmp_path / "judged.py"
    path.write_text(
        "import numpy as np\n\n\nclass Net:\n"
        "    def __init__(self):\n        self.w = np.linspace(1, 2, 4)[:, None]\n\n"
        "    def forward(self, x):\n        return np.tanh(x @ self.w)\n\n"
        "    def train_step(self, x, y, lr):\n        p = self.forward(x)\n"
        "        self.w -= lr * x.T @ (np.sign(p - y) * (1 - p**2))\n"
        "        spread = float(np.mean((p - y) ** 2))\n        return spread\n"
    )
    result = check_module(str(path))
    assert result.cases == ()
    assert "none of the usual ones is the one whose gradient it gives" in str(result.asides[0])


def test_sizes_that_were_guessed_in_vain_are_told_and_not_suggested(tmp_path):
    source = MODELS["step of a function"].replace("    h =", "    assert len(params['W2']) == 9\n    h =")
    text = examined(tmp_path, source).facts[-1].text
    assert "The sizes in make_params(n_in=4, n_hidden=6, n_out=3) were guessed; say yours in GRADCHECK = " in text
    assert '"args": {"n_in": ..., "n_hidden": ..., "n_out": ...}' in text
    said = 'GRADCHECK = {"train_step": {"parameters": "make_params", "args": {"n_in": 4, "n_hidden": 9, "n_out": 3}}}\n'
    assert examined(tmp_path, f"{said}{source}").status == "passed"


def test_the_loss_of_a_model_that_has_a_gradient_is_a_case_of_its_own(tmp_path):
    path = tmp_path / "own_loss.py"
    source = MODELS["probabilities that forward computed"]
    path.write_text(
        f"import numpy as np\n\n\n{source}\n\ndef cross_entropy_loss_prime(P, Y):\n    return -Y / P / len(Y)\n"
    )
    found = [examine(case, 1e-4, "central") for case in cases(load(str(path)).module, {})]
    assert [(one.name, one.kind, one.status) for one in found] == [
        ("softmax_forward", "model", "passed"),
        ("cross_entropy_loss", "loss", "passed"),
    ]
