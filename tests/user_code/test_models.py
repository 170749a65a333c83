"""Whole models as functions are found and read without a line: right they pass, and the mistake in each is found."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from mlp.user_code import model
from mlp.user_code.check import examine
from mlp.user_code.load.discovery import cases, own
from mlp.user_code.load.importing import load
from mlp.user_code.run import gradient_check
from mlp.user_code.settings import Override, read_overrides

SOURCES = (Path(__file__).parent / "corpus" / "models.py").read_text().split("\n\n\n# ")[1:]
MODELS = {kind: source for kind, _, source in (block.partition("\n") for block in SOURCES)}
NUMBER = count()


@pytest.fixture(autouse=True)
def _without_diagnosis(monkeypatch):
    """The verdict is what matters here; a diagnosis takes most of the time and has tests of its own."""
    monkeypatch.setattr(model, "diagnosed", lambda report: replace(report, diagnose=gradient_check.Told(())))


# What is replaced in each to make it wrong, and the parameters whose gradients that makes wrong.
MISTAKES = {
    "columns": ("(1 - A1**2)", "(1 - A1**2) / m", {"W1", "b1"}),
    "penalty": ("2 * lambd * params", "lambd * params", {"W1"}),
    "any depth": ("d.sum(axis=1, keepdims=True)", "d.mean(axis=1, keepdims=True)", {"b1", "b2", "b3"}),
    "cost from forward": ('"dW2": d', '"dW2": 2 * d', {"W2"}),
    "gradients first": ('"db": np.mean(', '"db": np.sum(', {"b"}),
    "labels": ('"W1": X.T', '"W1": -X.T', {"W1"}),
    "no loss": ("return dZ1 @ X.T / m", "return dZ1 @ X.T", {"W1"}),
    "layers": ('layer["W"] + layer["b"]', 'layer["W"] + 2 * layer["b"]', {"0.b", "1.b", "2.b"}),
}


def examined(tmp_path, source):
    """The result of the one model in a source."""
    path = tmp_path / f"model{next(NUMBER)}.py"
    path.write_text("import numpy as np\n\n\n" + source)
    module = load(str(path)).module
    overrides = read_overrides(module, list(own(module)))
    (case,) = [case for case in cases(module, overrides) if case.kind == "model"]
    return examine(case, module, overrides.get(case.name, Override()), 1e-4, "central")


@pytest.mark.parametrize("kind", MODELS)
def test_a_right_model_passes_with_every_parameter_compared(kind, tmp_path):
    result = examined(tmp_path, MODELS[kind])
    assert result.status == "passed", [str(fact) for fact in result.facts]
    assert set(result.report) == {pair.tensor for pair in result.pairs}
    assert MISTAKES[kind][2] <= set(result.report)


@pytest.mark.parametrize("kind", MODELS)
def test_the_wrong_gradients_are_named_and_no_others(kind, tmp_path):
    right, wrong, tensors = MISTAKES[kind]
    assert right in MODELS[kind]
    result = examined(tmp_path, MODELS[kind].replace(right, wrong))
    assert result.status == "wrong"
    assert {name for name, check in result.report.items() if not check.passed} == tensors
