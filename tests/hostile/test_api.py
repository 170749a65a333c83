"""Whatever a public function is given as an argument, it works, or says what was expected and what came."""

import copy
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import mlp
from mlp.differences.numerical import DifferenceWarning
from tests.hostile.trying import examples, try_all

X, T = np.array([0.3, -0.7]), np.array([0.2, 0.9])
PACKAGE = Path(mlp.__file__).parent


class Plain:
    """A class of nobody."""


class Raising:
    """An object that raises whatever it is asked for, but for what prints it where a test fails."""

    def __getattr__(self, name):
        if name.startswith("_repr"):
            raise AttributeError(name)
        raise RuntimeError(f"nobody may ask for {name}")

    def __array__(self, *_, **__):
        raise KeyError("no array")


class Squares:
    """A right layer of somebody's own."""

    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dy):
        return 2 * self.x * dy


def square(x):
    return x**2


def sum_of_squares(x):
    return np.sum(x**2)


def penalty(parameters):
    return float(np.sum(np.square(parameters))), 2 * np.asarray(parameters)


def network():
    return mlp.MLP(2, 3, 3, 2, np.random.RandomState(0))


def problem():
    return {"network": network(), "loss": mlp.MSELoss(), "x": X.copy(), "target": T.copy()}


def zeros():
    return {name: np.zeros(array.shape) for name, array in network().parameters().items()}


def stepped(parameters, gradients):
    mlp.Adam(0.1).step(parameters, gradients)
    return parameters


def layer(make):
    return lambda: {"self": make(), "x": X.copy()}


def loss(make, target=T):
    return lambda: {"self": make(), "y": X.copy(), "target": target.copy()}


LINEAR = {"x": X, "W": np.ones((3, 2)), "b": np.ones(3)}
SIZES = {"rng": np.random.RandomState(0), "in_features": 2, "out_features": 3}
STEP = {"eps": 1e-4, "method": "central"}
CALLS = {
    mlp.numerical_gradient: lambda: {"fun": square, "x": X.copy(), **STEP},
    mlp.jacobian: lambda: {"layer": mlp.Tanh(), "x": X.copy(), **STEP},
    mlp.hessian: lambda: {"fun": sum_of_squares, "x": X.copy(), "gradient": None},
    mlp.hessian_vector_product: lambda: {"fun": sum_of_squares, "x": X.copy(), "v": T.copy(), "gradient": None},
    mlp.loss_gradients: lambda: {**problem(), **STEP, "progress": None},
    mlp.loss_gradients_by_loop: lambda: {**problem(), **STEP},
    mlp.loss_hessian: lambda: {**problem(), "name": "fc1.b"},
    mlp.check_gradients: lambda: {**problem(), **STEP, "progress": None},
    mlp.check_given_gradients: lambda: {**problem(), "gradients": zeros(), **STEP},
    mlp.check_layer: lambda: {"layer": Squares(), "x": X.copy(), "dy": T.copy(), **STEP},
    mlp.check_function: lambda: {"fun": square, "grad": lambda x: 2 * x, "x": X.copy(), **STEP},
    mlp.check_model: lambda: {"function": penalty, "parameters": X.copy(), **STEP, "seconds": 0.1, "entries": 2},
    mlp.optimal_step: lambda: {"method": "central", "x": X.copy()},
    mlp.richardson: lambda: {"method": mlp.METHODS["central"], "levels": 2},
    mlp.structured_cost: lambda: {"network": network(), "x": X.copy(), "method": "central"},
    mlp.linear_forward: lambda: copy.deepcopy(LINEAR),
    mlp.linear_backward: lambda: {"dy": np.ones(3), **copy.deepcopy(LINEAR)},
    mlp.dense_layers: lambda: {"sizes": (2, 3, 2), "activation": mlp.Tanh, "rng": None, "initialisation": mlp.he},
    mlp.standard_normal: lambda: dict(SIZES),
    mlp.glorot: lambda: dict(SIZES),
    mlp.he: lambda: dict(SIZES),
    mlp.Linear: lambda: {"in_features": 2, "out_features": 3, "rng": None, "initialisation": mlp.he},
    mlp.MLP: lambda: dict.fromkeys(["in_features", "hidden_size1", "hidden_size2", "out_features"], 2) | {"rng": None},
    mlp.Sequential: lambda: {"first": mlp.Tanh(), "last": mlp.Linear(2, 3)},
    mlp.Method: lambda: {"name": "mine", "offsets": (1, -1), "weights": (0.5, -0.5), "order": 2},
    mlp.Linear.forward: layer(lambda: mlp.Linear(2, 3)),
    mlp.Sequential.forward: layer(network),
    mlp.MSELoss.forward: loss(mlp.MSELoss),
    mlp.HuberLoss.forward: loss(mlp.HuberLoss),
    mlp.BCEWithLogitsLoss.forward: loss(mlp.BCEWithLogitsLoss),
    mlp.CrossEntropyLoss.forward: loss(mlp.CrossEntropyLoss, np.array(1)),
    mlp.Activation.forward: layer(mlp.Tanh),
    mlp.SGD: lambda: {"rate": 0.1},
    mlp.Momentum: lambda: {"rate": 0.1, "momentum": 0.9},
    mlp.Adam: lambda: {"rate": 0.1, "betas": (0.9, 0.999), "eps": 1e-8},
    stepped: lambda: {"parameters": {"W": X.copy()}, "gradients": {"W": T.copy()}},
}
# Bases, answers and tables: nobody calls them with arguments. Losses and activations are called by their methods.
NOT_CALLED = {"Layer", "Loss", "Activation", "Optimiser", "GradientReport", "TensorCheck", "Verdict", "ForeignError"}
NOT_CALLED |= {name for name in mlp.__all__ if name.isupper() and name != "MLP"} | {*mlp.ACTIVATIONS, *mlp.LOSSES}
# A function of theirs in the place of a function is no nonsense, and what it raises is theirs.
FUNCTIONS = {"fun", "grad", "gradient", "function", "progress", "initialisation", "activation", "layer"}

PLACES = [(function, name) for function, make in CALLS.items() for name in make() if name != "self"]
KNOWN = [None, True, False, 0, -1, 10**20, 10**400, 1j, "", "text", b"bytes", [], [1, 2], ["a"], [[1], [1, 2]], (), {}]
KNOWN += [{"a": 1}, {1: 2}, set(), object(), Plain(), Raising(), np, range(3), mlp.MSELoss, Exception("x"), ..., int]
KNOWN += [mlp.Tanh, mlp.Tanh(), mlp.MSELoss(), mlp.Linear, mlp.Linear(2, 3), mlp.METHODS["central"]]
KNOWN += [np.ma.array([1.0, 2.0], mask=[False, True]), np.array([None, 1]), np.array([1, 2], "M8[s]"), np.array(["a"])]
ARRAYS = arrays(st.sampled_from(["f8", "c16", "i8", "?"]), array_shapes(min_dims=0, max_side=3, min_side=0))
# A layer of a thousand million units is no nonsense, but takes the memory that it asks for.
NUMBERS = st.one_of(st.integers(-(10**9), 10**6), st.integers(2**31), st.floats())
NONSENSE = st.one_of(st.sampled_from(KNOWN), st.text(max_size=50), NUMBERS, ARRAYS)


def answers_or_says_what_is_wrong(case):
    (function, name), value = case
    if name in FUNCTIONS and callable(value):
        return
    given = CALLS[function]()
    others = {key: copy.deepcopy(held) for key, held in given.items() if key != name and not callable(held)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", DifferenceWarning)
        try:
            answer = function(**{**given, name: value})
            if isinstance(answer, mlp.GradientReport):
                assert answer.summary
        except mlp.ForeignError:
            pass  # of what is theirs, always in a sentence of ours
        except (TypeError, ValueError) as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            if frame.filename == __file__:  # a function of theirs, for which it is no nonsense
                return
            assert PACKAGE in Path(frame.filename).parents, frame
            assert frame.line.startswith("raise "), frame
    if function is not stepped:  # which changes what it is given, as it says
        assert pictured({key: given[key] for key in others}) == pictured(others)


def pictured(arguments):
    """Arguments as text, networks by their parameters."""
    arguments = {key: getattr(value, "parameters", lambda value=value: value)() for key, value in arguments.items()}
    return repr({key: value for key, value in arguments.items() if " at 0x" not in repr(value)})


@examples
def test_every_argument_is_answered_or_refused_in_words(examples):
    try_all(answers_or_says_what_is_wrong, st.tuples(st.sampled_from(PLACES), NONSENSE), examples)


def test_an_object_that_raises_when_it_is_asked_is_no_network():
    with pytest.raises(TypeError, match=r"network must be a layer or network, .* not an object of type Raising"):
        mlp.loss_gradients_by_loop(Raising(), mlp.MSELoss(), X, T)


def test_a_layer_may_get_a_number():
    assert mlp.check_layer(Squares(), 3.0).passed


def test_every_public_name_is_tried():
    assert {function.__name__ for function in CALLS} | NOT_CALLED >= set(mlp.__all__)


@pytest.mark.parametrize("function", CALLS, ids=lambda function: function.__qualname__)
def test_what_the_nonsense_replaces_is_right(function):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DifferenceWarning)
        assert function(**CALLS[function]()) is not None
