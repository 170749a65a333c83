"""Every numerical gradient with its two errors: truncation, from a second step size, and round-off, from noise.

Truncation. A method of order p has D(h) = g + C h^p + ..., so a second step k h gives
|D(h) - D(k h)| / |1 - k^p| as the size of C h^p. The usual k = 2 has two weak spots: it extrapolates, so that
two terms of the series can cancel by accident in D(2h) - D(h) while they do not in D(h); and where h is far too large
there is no series to speak of, and both quotients are wrong in the same way. So the second step goes to where the
method is most accurate, r = u^(1 / (p + 1)):

- For h > r the second step is k h = min(h / 2, 2 r). The smaller k, the more the difference simply *is* the error of
  D(h), whatever its series looks like: it can vanish only where that error does.
- For h <= r the second step is 2 h, nearer to r. Here the error of D(h) is mostly round-off, and what an accidental
  cancellation could hide (C' h^(p+1)) lies below it. The divisor 2^p - 1 is left out: it would assume p derivatives,
  and a kink in the second derivative (Huber) makes every method one of first order.

Round-off. If each value of the loss, here or a step away, is off by about e, then D(h) is off by about
e sum |w_k| / h, for the step h that floating point really took; and the measured truncation by as much again for the
second step, where that is smaller.
A complex step subtracts no two values of the loss, but inside the forward pass derivatives are added up and can cancel,
as before a batch normalisation. So it is taken twice more at tiny steps that are no power of two apart: there nothing
but rounding can make a difference. Beside that each derivative is off by a unit in its own last place, and by what
underflows if h is too small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.methods import CENTRAL, Method, optimal_step
from mlp.differences.networks import loss_gradients
from mlp.differences.noise import loss_noise
from mlp.differences.parallel import Progress
from mlp.nn.arrays import Array, as_positive, require_function, root_mean_square
from mlp.nn.layers import Layer
from mlp.nn.problem import Problem


@dataclass(frozen=True)
class Estimate:
    """A numerical gradient of one tensor and how far off it may be; all arrays in the tensor's shape.

    Attributes:
        value: the numerical gradient; NaN where no step could be taken or the loss overflowed.
        truncation: the size of the error that comes from the step being too large; infinite where value is NaN.
        roundoff: the size of the error that comes from rounding, as a root mean square.
        noise: the rounding error of one value of the loss, of which round-off comes; in units of the loss.
    """

    value: Array
    truncation: Array
    roundoff: Array
    noise: float


def estimated_gradients(
    problem: Problem[Layer], eps: float = 1e-4, method: Method = CENTRAL, progress: Progress | None = None
) -> dict[str, Estimate]:
    """The numerical gradients of `loss_gradients`, each with the size of its two errors.

    Arguments and errors raised are those of `loss_gradients`, which is called two or three times.
    """
    eps = as_positive("eps", eps)
    if progress is not None:
        require_function("progress", progress)
    other = second_step(eps, method)
    steps = (eps, other, 1.5 * other) if method.is_complex else (eps, other)
    gradients = [
        loss_gradients(*problem, step, method, _part(progress, number, len(steps))) for number, step in enumerate(steps)
    ]
    noise = _noise(problem, eps, method)
    estimate = _complex_estimate if method.is_complex else _estimate
    return {
        name: estimate([gradient[name] for gradient in gradients], np.asarray(tensor), noise[name], steps, method)
        for name, tensor in problem.tensors().items()
    }


def _noise(problem: Problem[Layer], eps: float, method: Method) -> dict[str, float]:
    """By tensor, the rounding error of the values that are subtracted: of the loss here, or a step away.

    A loss of 1e-18 at the point itself can be one of 1e-8 after a step of 1e-4, and is rounded as that.
    """
    rng, reach = np.random.RandomState(0), eps * max(map(abs, method.offsets))
    moved = {name: tensor + reach * rng.standard_normal(np.shape(tensor)) for name, tensor in problem.tensors().items()}
    away = problem
    for name, values in moved.items():
        away = away.replaced(name, values)
    here = loss_noise(problem)
    with np.errstate(all="ignore"):  # so far away the loss may be 0, or no number at all
        part = loss_noise(away) / np.abs(away.value())
    sizes = {name: abs(float(problem.replaced(name, values).value())) for name, values in moved.items()}
    return {name: float(np.fmax(here, part * size)) for name, size in sizes.items()}


def _part(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """The progress of one of several parts of the work."""
    return None if progress is None else lambda fraction: progress((number + fraction) / parts)


def second_step(eps: float, method: Method) -> float:
    """The other step size from which the truncation at step eps is seen; this module's docstring says why."""
    best = float(optimal_step(method, 1.0))
    return min(eps / 2, 2 * best) if eps > best else 2 * eps


def taken_step(x: ArrayLike, eps: ArrayLike, method: Method) -> Array:
    """The step that floating point really takes at each entry of x: sum_k w_k ((x + o_k h) - x)."""
    x, eps = np.asarray(x), np.asarray(eps)
    moves = [weight * ((x + offset * eps) - x) for offset, weight in zip(method.offsets, method.weights, strict=True)]
    return np.abs(np.real(sum(moves)))


def _estimate(
    gradients: Sequence[Array], tensor: Array, noise: float, steps: Sequence[float], method: Method
) -> Estimate:
    (value, nearby), (eps, other) = gradients, steps
    weight = sum(abs(w) for w in method.weights)
    with np.errstate(divide="ignore"):
        roundoff = noise * weight / taken_step(tensor, eps, method)
        if other < eps:
            roundoff = roundoff + noise * weight / taken_step(tensor, other, method)
    roundoff = np.where(np.isnan(roundoff), np.inf, roundoff)
    return Estimate(value, _truncation(value, nearby, other / eps, method), roundoff, noise)


def _complex_estimate(
    gradients: Sequence[Array], _tensor: Array, noise: float, steps: Sequence[float], method: Method
) -> Estimate:
    (value, nearby, again), (eps, other, _) = gradients, steps
    # Twice, because the sample of a small tensor may be small by chance.
    cancellation = 2 * float(root_mean_square(nearby - again))
    # 5e-324 is the smallest number there is: what is finer has been lost before the division by h.
    roundoff = np.finfo(np.float64).eps * np.abs(value) + 5e-324 / eps + cancellation
    return Estimate(value, _truncation(value, nearby, other / eps, method), roundoff, noise)


def _truncation(value: Array, nearby: Array, ratio: float, method: Method) -> Array:
    """The truncation error of `value`, from the gradient with a step that is `ratio` times as long."""
    difference = np.abs(value - nearby)
    truncation = difference / (1 - ratio**method.order) if ratio < 1 else difference
    return np.where(np.isfinite(truncation), truncation, np.inf)
