"""What code does with an argument, however it is written."""

import linecache

import pytest

from mlp.user_code.run.uses import ranks_of, uses_of


def functions(source):
    """The functions of a source that stands in a file, for it is read."""
    file = f"<{hash(source)}>.py"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    namespace = {}
    exec(compile(source, file, "exec"), namespace)
    return namespace


def uses(source):
    return uses_of(functions(source)["f"])


@pytest.mark.parametrize(
    "body",
    [
        "return p['W'] @ x + p['b']",
        "W, b = p['W'], p['b']\n    return W, b",
        "q = p\n    return q['W'] + q['b']",
        "W = p.get('W')\n    return W + p['b']",
    ],
)
def test_the_keys_that_are_asked_of_a_dict(body):
    assert set(uses(f"def f(x, p):\n    {body}\n").keys("p")) == {"W", "b"}


def test_a_key_with_a_default_or_that_is_set_or_asked_for_is_not_needed():
    source = "def f(p):\n    p['new'] = p.get('old', 1)\n    if 'seed' in p:\n        return p['W']\n"
    found = uses(source)
    assert found.keys("p") == ["W"]
    assert found.filled == {"p"}
    assert found.choices("p") == []


SAME = ["list", "tuple", "reversed", "iter", "sorted", "copy", "deepcopy", "dict", "array", "asarray"]


@pytest.mark.parametrize("same", ["", *SAME, "np.array", "copy.deepcopy"])
def test_what_is_made_of_a_list_is_that_list(same):
    found = uses(f"def f(layers):\n    for one in {same}(layers):\n        one['type']\n        one.forward(1)\n")
    assert found.keys("layers[*]") == ["type"]
    assert found.methods("layers[*]") == ["forward"]


@pytest.mark.parametrize(
    "loop",
    ["for i, one in enumerate(layers):", "for one, other in zip(layers, sizes):", "for one in layers:"],
)
def test_the_members_of_a_list_however_they_are_gone_through(loop):
    found = uses(f"def f(layers, sizes):\n    {loop}\n        one.backward(2)\n")
    assert found.methods("layers[*]") == ["backward"]
    assert found.methods("layers") == found.methods("sizes[*]") == []


def test_texts_that_it_is_compared_with_from_either_side():
    source = "def f(mode):\n    if mode == 'relu' or 'tanh' == mode or mode in ('max', 'relu'):\n        return 1\n"
    assert uses(source).choices("mode") == ["relu", "tanh", "max"]


def test_into_how_many_parts_it_is_taken():
    assert uses("def f(cache):\n    x, W, b = cache\n    return x\n").parts["cache"] == 3


def test_attributes_that_no_plain_value_has():
    found = uses("def f(layer, x):\n    return layer.units + x.shape[0] + layer.shape[0] + layer.units\n")
    assert found.asked("layer") == ["units"]
    assert found.asked("x") == []


@pytest.mark.parametrize(
    ("forward", "asked"),
    [
        ("if x.ndim == 4: pass", {4}),
        ("if len(x.shape) in (2, 4): pass", {2, 4}),
        ("if x.ndim > 2: pass", {2, 3}),
        ("if 1 < w.ndim: pass", set()),
        ("rank = np.ndim(x)\n    if rank < 2: pass", {1, 2}),
        ("if x.ndim != 3: pass\n    n, c, h, w = x.shape", {3, 4}),
        ("n, c, h, w = x.shape", set()),
        ("if x.ndim < 2: raise ValueError", set()),
        ("if x.ndim not in (2, 4): raise ValueError", {2, 4}),
        ("assert x.ndim > 1", set()),
        ("if w.ndim == 1: pass", set()),
        ("self.x = x\n    return x", {1}),  # of which backward asks
    ],
)
def test_the_ranks_of_its_input_that_code_asks_about(forward, asked):
    held = functions(f"def f(self, x, w):\n    {forward}\ndef g(self, dy):\n    if self.x.ndim == 1: pass\n")
    assert ranks_of(held["f"], held["g"], "x", ["dy"]) == (asked, set())


@pytest.mark.parametrize(
    ("size", "flattened"),
    [("-1, 4", {2, 3, 4}), ("(-1, k)", {2, 3, 4}), ("-1", set()), ("-1, 1", set()), ("len(x), -1", set())],
)
def test_what_is_flattened_into_rows_may_have_any_rank(size, flattened):
    held = functions(f"def f(x, k):\n    return x.reshape({size})\n")
    assert ranks_of(held["f"], held["f"], "x", []).flattened == flattened
