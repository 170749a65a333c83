"""What others take for the derivative with respect to every parameter and the input, in seconds.

Where that would take minutes, a sample of the entries is timed and multiplied up; each function says so.
"""

from time import perf_counter

import numpy as np

from tests.benchmarks import exercise


def exercise_loop(tensors, target, sample):
    """The exercise's loop; at most `sample` entries of each tensor are timed and stand for the others."""
    seconds = 0.0
    for index, tensor in enumerate(tensors):
        entries = np.unique(np.linspace(0, tensor.size - 1, min(sample, tensor.size)).astype(int)).tolist()
        fun = exercise.loss_of(tensors, index, target)
        start = perf_counter()
        exercise.numerical_gradient(fun, tensor.flatten(), entries)
        seconds += (perf_counter() - start) * tensor.size / len(entries)
    return seconds


def scipy_three_point(tensors, target, sample):
    """SciPy's 3-point formula for each tensor; of a larger one than `sample` the first entries stand for the others."""
    from scipy.optimize._numdiff import approx_derivative

    seconds = 0.0
    for index, tensor in enumerate(tensors):
        fun, flat, count = exercise.loss_of(tensors, index, target), tensor.flatten(), min(sample, tensor.size)

        def of_first(first, fun=fun, flat=flat, count=count):
            varied = flat.copy()
            varied[:count] = first
            return fun(varied)

        start = perf_counter()
        approx_derivative(of_first if count < flat.size else fun, flat[:count], method="3-point")
        seconds += (perf_counter() - start) * tensor.size / count
    return seconds


def torch_gradcheck(tensors, target, sample):
    """torch.autograd.gradcheck in its default, thorough mode; None without PyTorch.

    It evaluates the whole function twice for each entry, whichever tensor that is in. So if there are more than
    a hundred times `sample` entries, some of the smaller tensors stand for all.
    """
    try:
        import torch
    except ImportError:
        return None
    inputs = [torch.tensor(tensor) for tensor in tensors]
    entries = sum(tensor.size for tensor in tensors)
    if entries > 100 * sample:
        small = np.flatnonzero(np.cumsum(sorted(tensor.size for tensor in tensors)) <= 100 * sample).size
        checked = sorted(inputs, key=torch.numel)[:small]
    else:
        checked = inputs
    for tensor in checked:
        tensor.requires_grad_(True)
    expected = torch.tensor(target)

    def fun(*_):
        y = inputs[0]
        for layer, (W, b) in enumerate(zip(inputs[1::2], inputs[2::2], strict=True)):
            y = torch.nn.functional.linear(torch.tanh(y) if layer else y, W, b)
        return torch.nn.functional.mse_loss(y, expected)

    start = perf_counter()
    assert torch.autograd.gradcheck(fun, checked)
    return (perf_counter() - start) * entries / sum(tensor.numel() for tensor in checked)
