"""How far off a correct backward pass may be, because it is rounded too.

Every product, sum and function value of forward and backward is off by a relative error of u at most. So we shake all
of them at once by a random relative t, far above u, and see how each entry of the gradient moves: u / t of that, as a
root mean square over a few draws, is the entry's rounding error. (The same backward error analysis as in
`mlp.differences.noise`.) Many layers and wide sums come out as they should, and so does cancellation: an entry that
is a small sum of large terms moves by the size of the terms.

One kind of cancellation needs help. softmax(y) - t is 1 - 1 in all but its last digits for a sure classifier, and
shaking y does not show it. So dy is also shaken by t times the largest dy that the loss gives at y = 0, where no
classifier is sure.

The slope of a saturated unit is another such: 1 - y^2 with y = tanh(x) is off by u however small it is, and may be
computed from x without that loss. So what leaves an element-wise layer is also shaken by t times its dy, as if its
slope, of size 1 at most for the usual functions, were off by u.

What cancels inside a single layer, such as the bias of a layer that takes off the mean of a batch, no shake from
outside can show. So backward is also run at nine points of a short straight path, and the fourth differences of its
gradients are taken, in which what is smooth vanishes and what rounding adds stays (see `mlp.differences.noise`).

A backward that is wrong can widen its own bars this way, but not far: if every shake changed the gradient by all its
size, the bars would be sqrt(u) of it, 1.5e-8. Only one that jumps about between inputs that differ in their seventh
digit gets bars as wide as its jumps, from the path; where these are large, nothing can be told of it. But jumps of
float32 or float16 in a backward whose network and forward are float64 are no error of its arithmetic, they are faults:
there the path is that of the same code with all its numbers in float64, as a tape runs it.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mlp.check.passes import Passes, leaves, parameter_name, run_passes
from mlp.check.tape.recording import recorded
from mlp.check.verdict import ROUNDING_FACTOR
from mlp.differences.noise import FOURTH_DIFFERENCE, fourth_differences, path_step
from mlp.nn.arrays import Array, root_mean_square
from mlp.nn.layers import Layer
from mlp.nn.problem import INPUT, Problem

Run = Callable[[Problem[Layer]], Passes]
_DRAWS = 6
_POINTS = 9  # of the path, for five fourth differences
_TARGET = "the target"
_ROUGH = 1e-9  # jitter beyond this part of a gradient may be that of a coarser arithmetic


def gradient_rounding(problem: Problem[Layer], gradients: Mapping[str, Array], unit: float) -> dict[str, Array]:
    """The root-mean-square rounding error of each entry of the analytical gradients.

    Args:
        problem: only copies of it are run.
        gradients: what backward gave, by tensor name.
        unit: the machine epsilon of the arithmetic.
    """
    rng = np.random.RandomState(0)
    amount = float(np.sqrt(unit))
    total = {name: np.zeros(gradient.shape) for name, gradient in gradients.items()}
    for _ in range(_DRAWS):
        moved = _shaken_gradients(problem.copied(), amount, rng)
        for name, gradient in gradients.items():
            if name in moved and moved[name].shape == gradient.shape:
                # Not a sum of squares, which would be 0 for gradients below 1e-154.
                total[name] = np.hypot(total[name], (moved[name] - gradient).astype(np.float64))
    moves = {name: unit / amount * total[name] / np.sqrt(_DRAWS) for name in gradients}
    jitter = _jitter(problem, gradients, rng.randint(2**31 - 1))
    # Rows are added one after another, and terms that are all alike, such as clipped ones, are all rounded alike: up to
    # n u / 2 of the sum for n samples, which no shake shows. A bar holds four times this.
    last_bits = unit * max(1.0, problem.x.shape[0] / 8 if problem.x.ndim > 1 else 1.0)
    # What is not finite is no gradient at all, and no error explains it.
    return {
        name: np.nan_to_num(np.fmax(moves[name], jitter[name]) + last_bits * np.abs(gradient), posinf=0.0)
        for name, gradient in gradients.items()
    }


def _jitter(problem: Problem[Layer], gradients: Mapping[str, Array], seed: int) -> dict[str, Array]:
    """What the fourth differences of the gradients along one path show; 0 where some point has no gradient."""
    points = _along_a_path(problem, seed, run_passes)
    found = {name: _noise([point.get(name) for point in points], gradient) for name, gradient in gradients.items()}
    rough = [name for name, gradient in gradients.items() if _norm(found[name]) > _ROUGH * _norm(gradient)]
    if rough and _is_coarse_in_backward_alone(problem):
        points = _along_a_path(problem, seed, passes_in_float64)
        for name in (name for name in rough if all(name in point for point in points)):
            found[name] = _noise([point[name] for point in points], gradients[name])
    return found


def _along_a_path(problem: Problem[Layer], seed: int, run: Run) -> list[dict[str, Array]]:
    points, line, step = [], np.random.RandomState(0), path_step(problem)
    for k in range(_POINTS):
        line.seed(seed)  # one for all points puts them on one straight line
        points.append(_moved_gradients(problem.copied(), k * step, line, run))
    return points


def _is_coarse_in_backward_alone(problem: Problem[Layer]) -> bool:
    """Whether the code has arrays in less than float64, on which nothing depends that forward gives."""
    if any(parameter.dtype != np.float64 for parameter in (*problem.network.parameters().values(), problem.x)):
        return False
    plain, fine = run_passes(problem.copied()), passes_in_float64(problem)
    return len(plain.visits) == len(fine.visits) and all(
        _norm(one.y - other.y) <= 1e-2 * _ROUGH * _norm(one.y)
        for one, other in zip(plain.visits, fine.visits, strict=True)
    )


def passes_in_float64(problem: Problem[Layer]) -> Passes:
    """What the layers give if every number in their code is float64; nothing if it is, or if no tape can follow it."""
    found = Passes()

    def run(given: Mapping[str, Array]) -> Array:
        network, target = problem.network, given.get(_TARGET, problem.target)
        for name in given.keys() - {INPUT, _TARGET}:
            network = network.replaced(name, given[name])
        found.__dict__ |= run_passes(Problem(network, problem.loss, given[INPUT], target)).__dict__
        return given[INPUT]

    with contextlib.suppress(Exception):  # whatever somebody's code raises when it is given other arrays
        problem = problem.copied()
        target = np.asarray(problem.target)
        tape = recorded(run, problem.tensors(), {_TARGET: target} if target.dtype.kind == "f" else {})
        return found if tape.is_finer else Passes()
    return Passes()


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array))


def _noise(path: list[Array | None], gradient: Array) -> Array:
    found = [values for values in path if values is not None and values.shape == gradient.shape]
    if len(found) < len(path):
        return np.zeros(gradient.shape)
    noise = root_mean_square(fourth_differences(found), axis=0) / np.linalg.norm(FOURTH_DIFFERENCE)
    usual = root_mean_square(noise)
    # A few differences may be small by chance. That matters where the gradient is nothing but rounding itself.
    return np.where(np.abs(gradient) <= ROUNDING_FACTOR * usual, usual, noise)


def _moved_gradients(problem: Problem[Layer], amount: float, rng: np.random.RandomState, run: Run) -> dict[str, Array]:
    """The gradients of a network whose parameters and input are off by about `amount`; none if a layer raises."""
    for parameter in problem.network.parameters().values():
        if parameter.dtype.kind == "f":  # whole numbers have no room for a small step
            parameter[...] = _noisy(parameter, amount, rng)
    try:
        return run(problem._replace(x=_noisy(problem.x, amount, rng))).gradients
    except Exception:
        return {}


def _shaken_gradients(problem: Problem[Layer], amount: float, rng: np.random.RandomState) -> dict[str, Array]:
    """The gradients of a network in which everything is off by about `amount`; fewer if a layer raises."""
    gradients: dict[str, Array] = {}
    try:
        dy = _shaken_forward(problem, amount, rng)
        for name, layer in reversed(list(leaves(problem.network))):
            dx = _noisy(np.asarray(layer.backward(dy)), amount, rng)
            if dx.shape == dy.shape and not layer.parameters():
                dx = dx + amount * dy * rng.standard_normal(dy.shape)
            dy = dx
            gradients |= {parameter_name(name, key): np.asarray(value) for key, value in layer.gradients().items()}
    except Exception:
        return gradients
    return {**gradients, INPUT: dy}


def _shaken_forward(problem: Problem[Layer], amount: float, rng: np.random.RandomState) -> Array:
    """Run forward with everything off by about `amount`, and return the loss's dy, off likewise."""
    network, loss, x, target = problem
    x = _noisy(x, amount, rng)
    for _, layer in leaves(network):
        for parameter in layer.parameters().values():
            parameter[...] = _noisy(parameter, amount, rng)
        y = layer.forward(x)
        x = y + amount * _largest(y) * rng.standard_normal(y.shape)
    loss.forward(np.zeros_like(x), target)
    usual = _largest(loss.backward())
    loss.forward(x, target)
    dy = loss.backward()
    return dy + amount * max(usual, _largest(dy)) * rng.standard_normal(dy.shape)


def _noisy(array: Array, amount: float, rng: np.random.RandomState) -> Array:
    return array * (1 + amount * rng.standard_normal(array.shape))


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0))


FLOAT64 = float(np.finfo(np.float64).eps)
FLOAT32 = float(np.finfo(np.float32).eps)
# With fewer digits than these, a few numbers may be short by nature, such as 1 or 0.25; many different ones are not.
_FEWEST_DIGITS, _A_FEW = 3, 6
# A number of float64 can need 17 digits, and one with no more than 15 is rounded; float32 needs up to 9.
_MOST, _SINGLE = 15, 9
_LOOKED_AT = 2_000


@dataclass(frozen=True)
class Precision:
    """How finely numbers are written.

    Attributes:
        unit: the machine epsilon of the arithmetic that they may come from.
        digits: the significant digits to which they are rounded, 0 if they are not.
        decimals: the digits behind the point to which they are rounded, 0 if they are not.
    """

    unit: float = FLOAT64
    digits: int = 0
    decimals: int = 0

    def resolution(self, array: Array) -> Array:
        """How far rounding may have moved each number: half a unit of its last digit."""
        significant = 0.5 * 10.0 ** (1 - self.digits) * np.abs(array) if self.digits else np.zeros(array.shape)
        return np.maximum(significant, 0.5 * 10.0**-self.decimals if self.decimals else 0.0)

    @property
    def words(self) -> str:
        """What the error bars allow for, in a sentence; "" for float64."""
        if self.digits or self.decimals:
            return f"The numbers are rounded to {self.digits or self.decimals} digits; the error bars allow for that."
        if self.unit > FLOAT64:
            return "The numbers fit into float32, which carries about 7 digits; the error bars allow for that."
        return ""


def precision(arrays: Mapping[str, Array]) -> Precision:
    """How finely all of these arrays together are written; zeros tell nothing."""
    values = np.concatenate([np.ravel(array) for array in arrays.values()] or [np.zeros(0)]).astype(np.float64)
    values = values[(values != 0) & np.isfinite(values)]
    looked_at = values[:: max(1, values.size // _LOOKED_AT)].tolist()
    digits = _fewest(looked_at, lambda value, count: float(f"{value:.{count - 1}e}"))
    if 0 < digits < _FEWEST_DIGITS and len(set(looked_at)) <= _A_FEW:
        return Precision()
    with np.errstate(over="ignore"):
        if np.array_equal(values.astype(np.float32), values):
            return Precision(unit=FLOAT32)
    # Six digits behind the point and six in all bind numbers of different size: where both fit, both are allowed for.
    decimals = _fewest(looked_at, round)
    is_single = 0 < digits <= _SINGLE or 0 < decimals <= _SINGLE
    return Precision(FLOAT32 if is_single else FLOAT64, digits, decimals)


def _fewest(values: list[float], rounded: Callable[[float, int], float]) -> int:
    """The fewest digits to which every value can be rounded and stays itself, 0 if there are too many for that."""
    count = 1
    for value in values:
        while rounded(value, count) != value:
            count += 1
            if count > _MOST:
                return 0
    return count
