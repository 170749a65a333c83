"""What forward computes is followed operation by operation, and the way back through it gives the right gradients."""

import threading

import numpy as np
import pytest

from mlp.check.tape.recording import recorded
from mlp.check.tape.tape import Change

RNG = np.random.RandomState(0)
A, B, C = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 5)), RNG.uniform(1, 4, (2, 3, 4))


def numerical(function, tensors, name, dy):
    """Central differences of the sum of dy times the output; with h = 1e-6 they err by some 1e-9 of these numbers."""
    found = np.zeros_like(tensors[name])
    for index in np.ndindex(found.shape):
        step = np.zeros_like(found)
        step[index] = 1e-6
        above, below = ({**tensors, name: tensors[name] + sign * step} for sign in (1, -1))
        found[index] = np.sum(dy * (function(above) - function(below))) / 2e-6
    return found


def written(a):
    out = np.zeros((3, 4, 2))
    out[:, :, 0] = a
    out[1:, :, 1] += 2 * a[:2]
    out[0] = out[1] * 3
    return out


def normalised(a):
    return (a - a.mean(0)) / np.sqrt(a.var(axis=0) + 1e-5) * a.std(axis=1, ddof=1)[:, None]


def softmax(a):
    e = np.exp(a - a.max(-1, keepdims=True))
    return e / e.sum(-1)[:, None] + np.max(a)


def windows(a):
    return np.lib.stride_tricks.sliding_window_view(np.pad(a, 1), (2, 3)).max(axis=(2, 3))


def choices(a):
    return np.where(a > 0, a, 0.1 * a) + np.clip(a, -0.5, 0.5) * np.linalg.norm(a)


def cumulated(a):
    return a.cumsum(axis=0) * np.cumsum(a, axis=1)[:, ::-1]


FUNCTIONS = {
    "element-wise": lambda t: np.exp(-t["a"]) / (1 + np.tanh(t["a"]) ** 2) - np.sqrt(t["c"]) * np.log1p(t["c"] ** 2),
    "powers": lambda t: t["c"] ** 2.5 + np.abs(t["a"]) * np.maximum(t["a"], 0.1) + np.minimum(t["a"], t["c"]),
    "products": lambda t: (t["a"] @ t["b"]).T @ (t["c"] @ t["b"]).sum(0) + np.dot(t["b"].T, t["b"])[:, :1],
    "vectors": lambda t: np.outer(t["a"][0] @ t["b"], t["b"] @ t["b"][0]) + np.inner(t["a"][0], t["a"][1]),
    "einsum": lambda t: np.einsum("ntf,fk->nk", t["c"], t["b"]) + np.tensordot(t["c"], t["b"], ([2], [0])).mean(1),
    "einsum without an arrow": lambda t: np.einsum("ba", t["a"]) @ t["a"] + np.einsum("cb,ba", t["a"].T, t["a"]) ** 2,
    "normalised": lambda t: normalised(t["a"]),
    "softmax": lambda t: softmax(t["a"]),
    "moved": lambda t: np.concatenate([t["a"][::-1], np.roll(t["a"], 1, 0)], axis=1).T[[0, 0, 3]].reshape(-1) * 2.0,
    "stacked": lambda t: np.array([t["a"][i] * i for i in range(3)]) + np.stack(list(t["a"])).cumsum(axis=1),
    "written": lambda t: written(t["a"]) * t["a"][..., None],
    "windows": lambda t: windows(t["a"]),
    "kept axes": lambda t: (
        (t["a"] - t["a"].mean(1, keepdims=True)) * t["a"].sum(0, keepdims=True) / np.var(t["a"], axis=1, keepdims=True)
    ),
    "cumulated": lambda t: (
        t["a"].cumsum(axis=0) * np.cumsum(t["a"], axis=1)[:, ::-1] + np.cumsum(t["c"])[:12].reshape(3, 4)
    ),
    "choices": lambda t: choices(t["a"]),
    "lost in float": lambda t: float(np.sum(t["a"] ** 2)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_way_back_is_that_of_the_function(name):
    function, tensors = FUNCTIONS[name], {"a": A, "b": B, "c": C}
    y = np.asarray(function(tensors))
    tape = recorded(function, tensors, {})
    np.testing.assert_allclose(tape.nodes[tape.output].value, y, rtol=1e-14)  # a sum in another order
    dy = np.random.RandomState(1).standard_normal(y.shape)
    for tensor, gradient in tape.of_leaves(tape.gradients(dy)).items():
        np.testing.assert_allclose(gradient, numerical(function, tensors, tensor, dy), rtol=1e-6, atol=1e-6)


def through_float(t):
    loss = float(np.sum(t["a"].astype(float) ** 2)) if isinstance(2.0, float) and not isinstance(A, float) else 0.0
    return float("1") * t["a"].mean() * loss + t["a"].max().item() * A.item(1)


def test_what_goes_through_float_in_a_module_that_is_followed_stays_on_the_tape():
    tape = recorded(through_float, {"a": A}, {}, spaces=[globals()])
    (gradient,) = tape.of_leaves(tape.gradients(np.ones(()))).values()
    np.testing.assert_allclose(gradient, numerical(through_float, {"a": A}, "a", 1.0), rtol=1e-6, atol=1e-6)
    assert "float" not in globals()


def test_torch_agrees_on_a_recurrent_cell(torch):
    def cell(t, tanh=np.tanh):
        h = 0.0 * t["x"][:, 0] @ t["W"]
        for step in range(4):
            h = tanh(t["x"][:, step] @ t["W"] + h @ t["U"])
        return h

    rng = np.random.RandomState(2)
    tensors = {"x": rng.standard_normal((3, 4, 2)), "W": rng.standard_normal((2, 5)), "U": rng.standard_normal((5, 5))}
    dy = rng.standard_normal((3, 5))
    theirs = {name: torch.tensor(value, requires_grad=True) for name, value in tensors.items()}
    cell(theirs, torch.tanh).backward(torch.tensor(dy))
    tape = recorded(cell, tensors, {})
    for name, gradient in tape.of_leaves(tape.gradients(dy)).items():
        np.testing.assert_allclose(gradient, theirs[name].grad.numpy(), rtol=1e-12, atol=1e-13)


def test_numpy_is_as_it_was_afterwards_and_for_other_threads():
    seen = []

    def function(_):
        thread = threading.Thread(target=lambda: seen.append(type(np.zeros(2))))
        thread.start()
        thread.join()
        seen.append(type(np.zeros(2)))
        raise ArithmeticError

    before = np.zeros, np.asarray
    with pytest.raises(ArithmeticError):
        recorded(function, {"a": A}, {})
    assert seen[0] is np.ndarray
    assert seen[1] is not np.ndarray
    assert (np.zeros, np.asarray) == before


def test_an_operation_is_called_as_the_code_calls_it():
    tape = recorded(lambda t: np.tanh(t["a"] @ t["b"]), {"a": A, "b": B}, {})
    product, tanh = (node.site for node in tape.nodes[2:])
    assert (tanh.text, tanh.operand(0)) == ('`np.tanh(t["a"] @ t["b"])`', "`t['a'] @ t['b']`")
    assert (product.operand(0), product.operand(1)) == ("`t['a']`", "`t['b']`")


def test_a_change_is_made_where_it_is_asked_for():
    tape = recorded(lambda t: np.tanh(t["a"]) + t["a"], {"a": A}, {})
    dy = np.ones_like(A)
    changes = [
        Change(),
        Change(rules={(1, 0): lambda _edge, _gradient: None}),
        Change(kept={0: "first"}),
        Change(jumps={1: (0, lambda gradient: 5 * gradient)}),
        Change(taken={2: 1}),  # nothing has arrived there yet
    ]
    expected = [2 - np.tanh(A) ** 2, dy, dy, 6 * dy, 0 * dy]
    for found, right in zip(tape.changed(dy, changes), expected, strict=True):
        np.testing.assert_allclose(found["a"], right)
