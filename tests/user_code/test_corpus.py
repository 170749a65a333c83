"""Code in the styles of courses, books and small frameworks: the right is called right, the wrong wrong, by name."""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from mlp.user_code.check import examine
from mlp.user_code.load.discovery import cases, own
from mlp.user_code.load.importing import load
from mlp.user_code.settings import Override, read_overrides
from mlp.user_code.tell.text import failure_text

CORPUS = Path(__file__).parent / "corpus"
RIGHT = (
    "activations",
    "columns_course",
    "cs_course",
    "derivatives",
    "from_scratch_book",
    "learning_rate",
    "larger_libraries",
    "micro_framework",
    "optimised",
    "one_line",
    "recurrent_cells",
    "single_precision",
    "stabilised",
    "whole_networks",
    "word_ids",
)
# What each deliberately wrong one gets wrong: the tensors whose gradient must be called wrong, and no others.
WRONG = {
    "BiasNotSummed": {"b"},
    "WeightsTransposed": {"W"},
    "SignFlipped": {"b"},
    "NoUpstream": {"x"},
    "UpdatedTooEarly": {"x"},
    "UpdatesUpwards": {"W"},
    "TanhOfTheOutput": {"x"},
    "ReluWithoutMask": {"x"},
    "SoftmaxDiagonal": {"x"},
    "IgnoresUpstream": {"x"},
    "MSEWithoutMean": {"x"},
    "CrossEntropyWithoutMean": {"x"},
    "mse": {"x"},
    "sigmoid": {"x"},
    "affine_forward": {"b"},
    "conv_forward": {"x"},
    "BatchNorm": {"x"},
}
# The same for mistakes in larger things, with some words of the sentence that names them.
WRONG_INSIDE = {
    "LabelsNotDivided": ({"x"}, "factor is 5"),
    "SingleSign": ({"b"}, "wrong sign"),
    "LookupOverwrites": ({"W"}, "overwritten where it should be added up"),
    "DerivativeOfSomethingElse": ({"x"}, "dy is multiplied by 1 - y where the derivative of `np.tanh(Z)` should stand"),
    "NoSlopeInside": ({"W1"}, "the derivative of `sigmoid(X @ self.W1)` is missing"),
    "SlopeForgotten": ({"x"}, "dx lacks a derivative"),
    "half_penalty_loss": ({"W"}, "dW is right but for one term: 0.1 times W is missing"),
    "cell_forward": ({"Wh"}, "stands where `prev_h` should"),
    "conv_forward": ({"b"}, "the factor is 0.5 (perhaps one over the number of samples"),
    "CategoricalNotDivided": ({"x"}, "the number of samples"),
    "MeanInForwardOnly": ({"x"}, "factor is 20"),
    "HalfPenalty": ({"x"}, "the factor is 0.5"),
}


def found(name):
    """What there is to check in one corpus file."""
    module = load(str(CORPUS / f"{name}.py")).module
    return cases(module, read_overrides(module, list(own(module))))


@cache
def checked(name):
    """The results of one corpus file by name."""
    return {case.name: examine(case, 1e-4, "central") for case in found(name)}


def wrong_tensors(result):
    """The tensors that a result calls wrong, by their numbers or by their shape."""
    by_number = {name for name, check in result.report.items() if not check.passed} if result.report else set()
    return by_number | {pair.tensor for pair in result.pairs if not pair.fits}


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", RIGHT)
def test_correct_code_passes_as_it_is(name):
    results = checked(name)
    assert len(results) >= 3
    failed = {one.name: [str(fact) for fact in one.facts] for one in results.values() if not one.passed}
    assert failed == {}


def test_hardly_anything_needs_a_line_of_its_own():
    # The corpus stands for what people bring: at least eight of ten must pass without GRADCHECK.
    counts = {name: len(found(name)) for name in RIGHT}
    assert counts["one_line"] <= 0.2 * sum(counts.values())


@pytest.mark.parametrize("name", ["OddNames", "OwnRandomness", "PositiveOnly", "RowsAveraged"])
def test_the_line_is_what_makes_it_pass(name, tmp_path):
    source = (CORPUS / "one_line.py").read_text()
    without = tmp_path / "without_a_line.py"
    without.write_text(source.replace("GRADCHECK = {", "NOTHING = {"))
    module = load(str(without)).module
    named = {case.name: case for case in cases(module, {})}
    assert name not in named or not examine(named[name]._replace(said=Override()), 1e-4, "central").passed


@pytest.mark.usefixtures("verdict_alone")
def test_wrong_code_is_called_wrong_in_the_right_tensors_and_nothing_else_is():
    results = checked("wrong")
    assert {name: wrong_tensors(result) for name, result in results.items() if not result.passed} == WRONG
    assert {result.status for result in results.values() if not result.passed} == {"wrong"}


def test_mistakes_inside_are_found_and_named_and_adding_up_is_a_warning():
    results = checked("wrong_inside")
    wrong = {name: wrong_tensors(result) for name, result in results.items() if not result.passed}
    assert wrong == {name: tensors for name, (tensors, _) in WRONG_INSIDE.items()}
    assert {result.status for result in results.values() if not result.passed} == {"wrong"}
    unnamed = {name for name, (_, words) in WRONG_INSIDE.items() if words not in failure_text(results[name])}
    assert unnamed == set()
    assert {name for name, result in results.items() if result.passed} == {"AddsUp"}
    (warning,) = [fact for fact in results["AddsUp"].facts if fact.level == "warning"]
    assert warning.text.startswith("dW keeps adding up")


def test_the_loss_inside_a_network_is_told():
    facts = {name: [fact.text for fact in result.facts] for name, result in checked("whole_networks").items()}
    assert "the loss inside backprop was taken to be its CrossEntropy" in facts["Columns"]
    assert "the loss inside backward was taken to be half the sum of squared errors" in facts["Tiny"]


def test_a_constant_that_forward_adds_is_left_out_and_told():
    result = checked("stabilised")["SoftmaxWithLoss"]
    (note,) = [fact.text for fact in result.facts]
    assert note.startswith(
        "the code adds 1e-07, to keep from log(0) or a division by zero, and backward is the gradient"
    )
    # Nothing was widened: what is compared agrees as closely as any other loss, far below the constant's effect.
    assert np.abs(result.report["x"].difference).max() < 1e-8 * np.abs(result.report["x"].numerical).max()


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        ("np.tanh(x)", "(1 - np.tanh(x) ** 2) * (1 + 5e-5)"),  # an error, and an unused small constant
        ("np.tanh(x) + 5e-6 * x**2", "1 - np.tanh(x) ** 2"),  # a term of forward that backward forgot
        ("np.tanh(x)", "1 - np.tanh(x) ** 2 + 1e-5"),  # a constant added in backward
        ("np.log(np.abs(x) + 1e-3)", "1 / x"),  # a constant that is part of the formula
        ("np.log(np.abs(x) + 1e-7)", "(1 + 1e-5) / x"),  # an error beside a guard
    ],
)
def test_a_small_constant_excuses_nothing_else(tmp_path, forward, backward):
    source = (
        "import numpy as np\n\nlr = 1e-4\ntiny = 1e-7\n\n"
        "class Curve:\n    def __init__(self):\n        self.rate = 1e-5\n\n"
        f"    def forward(self, x):\n        self.x = x\n        return {forward} + tiny\n\n"
        f"    def backward(self, dy):\n        x = self.x\n        return dy * ({backward})\n"
    )
    path = tmp_path / f"{tmp_path.name}.py"  # a name of its own: a module of the same name is not imported twice
    path.write_text(source)
    (case,) = cases(load(str(path)).module, {})
    assert examine(case, 1e-4, "central").status == "wrong"


def test_what_is_no_layer_is_left_alone():
    assert checked("no_layers") == {}


@pytest.mark.parametrize(
    ("case", "pairs"),
    [
        ("from_scratch_book.Layer_Dense", {"weights": "dweights", "biases": "dbiases", "x": "dinputs"}),
        ("micro_framework.Linear", {"params.w": "grads.w", "params.b": "grads.b", "x": "returned"}),
        ("micro_framework.Affine", {"params.0": "grads.0", "params.1": "grads.1", "x": "returned"}),
        ("micro_framework.ReturnsAll", {"W": "returned.dW", "b": "returned.db", "x": "returned.dx"}),
        ("micro_framework.ParamLinear", {"weight.data": "weight.grad", "bias.data": "bias.grad", "x": "returned"}),
        (
            "larger_libraries.FullyConnected",
            {"parameters.W": "gradients.W", "parameters.b": "gradients.b", "x": "returned"},
        ),
        ("learning_rate.Dense", {"weights": "update.weights", "bias": "update.bias", "x": "returned"}),
        ("optimised.Dense", {"W": "update.W", "w0": "update.w0", "x": "returned"}),
        ("cs_course.affine_forward", {"w": "returned.dw", "b": "returned.db", "x": "returned.dx"}),
    ],
)
def test_the_pairing_is_told(case, pairs):
    file, _, name = case.partition(".")
    assert {pair.tensor: pair.gradient for pair in checked(file)[name].pairs} == pairs


def test_averages_over_columns_are_understood_and_said_and_can_be_forbidden(tmp_path):
    result = checked("columns_course")["DenseLayer"]
    assert any("averages over the batch of 5" in fact.text for fact in result.facts)
    strict = tmp_path / "strict_columns.py"
    strict.write_text((CORPUS / "columns_course.py").read_text() + '\nGRADCHECK = {"DenseLayer": {"average": False}}\n')
    module = load(str(strict)).module
    overrides = read_overrides(module, list(own(module)))
    case = next(case for case in cases(module, overrides) if case.name == "DenseLayer")
    assert wrong_tensors(examine(case, 1e-4, "central")) == {"W", "b"}


def test_the_corpus_files_import_without_us():
    # They stand for other people's code, so they may know nothing of this package.
    for path in CORPUS.glob("*.py"):
        assert "mlp" not in path.read_text()
        assert importlib.util.spec_from_file_location(path.stem, path) is not None
