"""How much the value of a loss is off because every operation rounds, seen from outside through `apply` alone.

Two measurements, of which the larger counts. Both are in units of the loss, as a root mean square.

Conditioning. Each product, sum and function value is off by a relative error of the machine epsilon u at most. So we
shake every parameter, input and layer output by a random relative amount t, far above u, and see how much the loss
moves: u / t of that is what rounding does. (Backward error analysis: Higham, Accuracy and Stability of Numerical
Algorithms, chapter 3.) This sees cancellation between and inside layers.

Jitter. Fourth differences of the loss along a tiny random path: what is smooth vanishes in them, what rounding adds
stays, multiplied by sqrt(1 + 16 + 36 + 16 + 1) (Moré and Wild, Estimating Computational Noise, 2011). This sees what
a formula loses in its own constants, such as log(1 + 1e-10), and arithmetic that is secretly done in float32. Of our
own layers, which do no such thing, the path is much shorter, lest it be longer than the function is wide.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from mlp.nn.arrays import Array, root_mean_square
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem, is_ours

_DRAWS = 6
_PATHS = 4
_STEP, _SHORT_STEP = 2.0**-20, 2.0**-34  # eight last bits of float32; some 2^18 of float64
FOURTH_DIFFERENCE = np.array([1.0, -4.0, 6.0, -4.0, 1.0])
# Half a unit in the last place of a number c, seen in one fourth difference, is at least this part of u c.
_LAST_BIT = 0.05


def machine_epsilon(*arrays: ArrayLike) -> float:
    """The coarsest machine epsilon among floating-point arrays: 2.2e-16 for float64, 1.2e-7 for float32."""
    dtypes = [np.asarray(array).dtype for array in arrays]
    return max((float(np.finfo(dtype).eps) for dtype in dtypes if dtype.kind in "fc"), default=2.0**-52)


def loss_noise(problem: Problem[Layer]) -> float:
    """The root-mean-square rounding error of the value of a loss, in its units; only `apply` is called."""
    rng = np.random.RandomState(0)  # the same figure each time
    y = problem.network.apply(problem.x)
    value = problem.loss.apply(y, problem.target)
    unit = machine_epsilon(y, value)
    size = float(np.abs(value))
    shaken = _shaken_losses(problem, np.sqrt(unit), rng)
    conditioning = np.sqrt(unit) * root_mean_square(shaken - value)
    jitter = _jitter(problem, rng)
    if np.min(jitter) < _LAST_BIT * unit * size:
        # Some path is straight to the last bit, so the loss may well move in steps coarser than its own last bit,
        # those of some larger number that it was taken from. So we ask how large it can be.
        size = max(size, float(np.abs(problem.loss.apply(np.zeros_like(y), problem.target))))
    # The median of |z| for a normal z is 0.67 of its standard deviation; it ignores a path that meets a kink.
    largest = np.fmax.reduce([conditioning, float(np.median(jitter)) / 0.67, unit * size])
    return float(largest) if np.isfinite(largest) else float("inf")


def path_step(problem: Problem[Layer]) -> float:
    """How far a point of a path is from the next, relatively."""
    are_ours = all(map(is_ours, (problem.loss, *problem.network.chain().values())))
    return _SHORT_STEP if are_ours and machine_epsilon(*problem.tensors().values()) <= 2.0**-52 else _STEP


def shaken(layer: Layer, x: Array, amount: float, rng: np.random.RandomState) -> Array:
    """The layer's output when every parameter and output on the way is off by about `amount`, relatively."""
    for part in layer.chain().values():
        y = moved(part, amount, rng).apply(x)
        x = y + amount * np.max(np.abs(y), initial=0.0) * rng.standard_normal(y.shape)
    return x


def moved(layer: Layer, amount: float, rng: np.random.RandomState) -> Layer:
    """A copy of the layer whose parameters are each off by a random relative `amount`."""
    for name, parameter in layer.parameters().items():
        layer = layer.replaced(name, parameter * (1 + amount * rng.standard_normal(parameter.shape)))
    return layer


def _shaken_losses(problem: Problem[Layer], amount: float, rng: np.random.RandomState) -> Array:
    network, loss, x, target = problem
    values = []
    for _ in range(_DRAWS):
        start = x * (1 + amount * rng.standard_normal(x.shape))
        values.append(loss.apply(shaken(network, start, amount, rng), target))
    return np.array(values, dtype=np.float64)


def _jitter(problem: Problem[Layer], rng: np.random.RandomState) -> Array:
    """The noise that the fourth difference along each of a few paths shows, in units of the loss."""
    network, loss, x, target = problem
    found, line, step = [], np.random.RandomState(0), path_step(problem)
    for _ in range(_PATHS):
        seed, path = rng.randint(2**31 - 1), []
        direction = rng.standard_normal(x.shape)
        for k in range(FOURTH_DIFFERENCE.size):
            amount = k * step
            line.seed(seed)  # one for all five points puts them on one straight line
            there = moved(network, amount, line)
            path.append(loss.apply(there.apply(x * (1 + amount * direction)), target))
        found.append(abs(fourth_differences(path)[0]))
    return np.array(found) / np.linalg.norm(FOURTH_DIFFERENCE)


def fourth_differences(path: Sequence[ArrayLike]) -> Array:
    """Those of n values at equal steps, (n - 4, *value.shape); exactly zero where all values are equal."""
    values = np.array(path, dtype=np.float64)
    moves = values - values[0]
    return np.lib.stride_tricks.sliding_window_view(moves, FOURTH_DIFFERENCE.size, axis=0) @ FOURTH_DIFFERENCE
