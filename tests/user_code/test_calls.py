"""How their functions are called: each argument by its own name, else by the role that its name suggests."""

import functools
import linecache
import re

import numpy as np
import pytest

from mlp.user_code.messages import ForeignError
from mlp.user_code.run import sources
from mlp.user_code.run.calls import (
    ANY,
    call,
    each,
    parameters_named,
    parameters_of,
    required,
    setting,
    takes_rate,
    upstream_names,
)


def made(source, name="f", **names):
    """A function that stands in a file, for its source is read."""
    file = f"<{hash(source)}>.py"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    namespace = dict(names)
    exec(compile(source, file, "exec"), namespace)
    return namespace[name]


def taking(arguments):
    """A function that takes these and gives them back by name."""
    return made(f"def f({arguments}):\n    return {{name: one for name, one in locals().items()}}\n")


ROLES = {"training": "on", "rate": 0.1, "cache": "kept", "target": "t"}


@pytest.mark.parametrize(
    ("arguments", "first", "by_name", "expected"),
    [
        ("x", ("X",), {}, {"x": "X"}),
        ("x, W", ("X",), {"W": "w"}, {"x": "X", "W": "w"}),
        ("W, x", ("X",), {"W": "w"}, {"W": "w", "x": "X"}),
        ("dy, cache", ("DY",), {}, {"dy": "DY", "cache": "kept"}),
        ("cache, dy", ("DY",), {}, {"cache": "kept", "dy": "DY"}),  # its role goes before its place
        ("y_pred, y_true", ("Y",), {}, {"y_pred": "Y", "y_true": "t"}),
        ("x, training=False", ("X",), {}, {"x": "X", "training": "on"}),  # for that is what backward is for
        ("x, training=None", ("X",), {}, {"x": "X", "training": None}),
        ("x, lr=0.5", ("X",), {}, {"x": "X", "lr": 0.1}),
        ("dy, cache=None", ("DY",), {}, {"dy": "DY", "cache": "kept"}),
        ("x, y=None", ("X", "Y"), {}, {"x": "X", "y": "Y"}),
        ("x, y=None", ("X",), {}, {"x": "X", "y": None}),
        ("x, scale=2", ("X", "Y"), {}, {"x": "X", "scale": 2}),
        ("*xs", ("X", "Y"), {}, {"xs": ("X", "Y")}),
        ("x, *, target", ("X",), {}, {"x": "X", "target": "t"}),
    ],
)
def test_what_each_argument_is_given(arguments, first, by_name, expected):
    assert call(taking(arguments), first, by_name, ROLES, "f") == expected


def test_an_argument_for_which_there_is_nothing_is_named():
    function = made("def f(x, unknown):\n    return unknown\n")
    with pytest.raises(ForeignError, match=re.escape("backward wants `unknown`, for which there is no value here")):
        call(function, (1,), {}, {}, "backward")
    assert call(function, (1,), {}, {ANY: 7}, "backward") == 7
    # One that nobody looks at may be anything.
    assert call(made("def f(x, unused):\n    return x\n"), (1,), {}, {}, "backward") == 1


def test_arguments_are_those_behind_a_decorator_and_those_asked_of_named():
    def timed(function):
        def inner(*arguments, **named):
            return function(*arguments, **named)

        return inner

    @functools.wraps(timed)
    def plain(x, W=1):
        return x, W

    del plain.__wrapped__
    assert parameters_named(timed(plain)) == ["x", "W"]
    assert [one.name for one in required(parameters_of(plain))] == ["x"]
    assert parameters_named(made("def f(x, **named):\n    return x + named['scale']\n")) == ["x", "scale"]
    assert parameters_of(3) == []

    class Thing:
        def forward(self, x):
            return x

    assert parameters_named(Thing().forward) == ["x"]


@pytest.mark.parametrize(
    ("arguments", "known", "returned", "names"),
    [
        ("dout, cache", ("x",), (), ["dout"]),
        ("dh, dc, cache", (), (), ["dh", "dc"]),
        ("x, g", ("x",), (), ["g"]),  # the one that forward does not know
        ("x", ("x",), (), ["x"]),
        ("y, y_true", (), (), ["y"]),  # a target is none
        ("cache, training", (), (), []),
        ("grad_y, lr", (), ("y",), ["grad_y"]),
        ("eta", (), (), ["eta"]),  # alone it is one, whatever it is called
        ("cache", (), (), []),  # but for what is never one
    ],
)
def test_which_arguments_are_gradients_of_outputs(arguments, known, returned, names):
    assert upstream_names(taking(arguments), known, returned) == names


def test_a_rate_alone_is_no_gradient_of_what_updates():
    assert upstream_names(made("def update(lr):\n    return lr\n", "update")) == []
    assert upstream_names(taking("dy, other"), others=["dy"]) == ["other"]
    assert takes_rate(taking("dy, learning_rate"))
    assert takes_rate(made("def backward(self, dy, alpha):\n    self.W -= alpha * self.x.T @ dy\n", "backward"))
    assert not takes_rate(made("def backward(self, dy, alpha):\n    self.dW = alpha * self.x.T @ dy\n", "backward"))
    assert not takes_rate(taking("dy, x"))


def test_a_function_of_one_number_is_one_of_entries():
    of_entries = each(lambda x: 1.0 if x > 0 else 0.0)
    np.testing.assert_array_equal(of_entries(np.array([[-1.0, 2.0]])), [[0, 1]])


def test_a_setting_is_the_module_s_list_or_dict_of_that_name():
    function = made("def f(layers):\n    return layers\n", LAYERS=[1, 2], sizes=(1,))
    assert setting("layers", function) == [1, 2]
    assert setting("sizes", function) is None


RETURNS = """
def f(x, flag):
    if flag:
        return None
    return dx, self.dW, x @ W

def g(x):
    return dW
"""


def test_what_a_return_statement_says():
    f, g = made(RETURNS, "f"), made(RETURNS, "g")
    assert sources.returned_names(f, 3)[0] == "dx"
    assert sources.returned_names(f, 3)[2] == 2
    assert sources.returned_names(f, 2) == sources.returned_names(f, 3)[-2:]
    assert sources.returned_names(f, 5) == [0, 1, 2, 3, 4]
    assert sources.returned_name(g) == "dW"
    assert "dx" in sources.returned(f)
    assert sources.returned(None) == set()
    assert (sources.returned_count(f), sources.returned_count(g), sources.returned_count(None)) == (3, 1, 0)


METHOD = """
def f(self, x):
    self.x = x
    self.cache['y'] = self.W @ x
    return self.b
"""


def test_what_a_method_reads_sets_and_fills():
    read, stored = sources.attributes_of_self(made(METHOD))
    assert {"W", "b", "cache"} == set(read)
    assert stored == ["x"]
    assert sources.attributes_filled(made(METHOD)) == {"cache"}
