"""What a check costs, from its settings alone: counted as the engine computes, and measured for each kind of element.

The unit is a nanosecond of one core, as measured on real and on complex numbers. Other machines are faster or slower,
but the costs of two checks keep about the ratio that they have here. `python -m tests.benchmarks.announced` compares.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from mlp.differences.methods import METHODS


class Cost(NamedTuple):
    """Nanoseconds for one element."""

    real: float
    complex: float


# An activation or a loss that is not here is taken to be as dear as the dearest of them.
ACTIVATION_COSTS = {
    "Identity": Cost(0.2, 1),
    "Tanh": Cost(1.2, 26),
    "ReLU": Cost(4, 5),
    "LeakyReLU": Cost(4, 6),
    "Sigmoid": Cost(11, 28),
    "SiLU": Cost(12, 30),
}
UNKNOWN_ACTIVATION = Cost(12, 44)
LOSS_COSTS = {"MSELoss": Cost(2, 4), "HuberLoss": Cost(10, 19), "CrossEntropyLoss": Cost(6, 23)}
UNKNOWN_LOSS = Cost(15, 53)
# Of a loss that looks for the largest output of each sample.
SAMPLE = {"CrossEntropyLoss": Cost(17, 45)}
NO_SAMPLE = Cost(0, 0)
# An output of a linear layer, changed by a rank-one update or laid out for a product, and a multiplication in one.
OUTPUT, MULTIPLICATION = Cost(2, 6), Cost(0.04, 0.1)
# Each sample of a batch goes through the network by itself to differentiate the input.
CALL = 100_000
# The step itself and those from which the errors of the difference are seen, and three tenths for all around them.
STEPS = Cost(2.6, 3.9)


def check_work(sizes: Sequence[int], activation: str, loss: str, batch: int, method: str) -> int:
    """About how many nanoseconds of one core a check takes.

    A step on a parameter moves one unit of its layer. From there each layer behind computes its units anew, the second
    one behind with all its multiplications; then comes the loss. A step on the input changes one sample, but the loss
    is that of the whole batch. Arguments are those of `Experiment`.
    """
    kind = int(METHODS[method].is_complex)
    unit, output = ACTIVATION_COSTS.get(activation, UNKNOWN_ACTIVATION)[kind], OUTPUT[kind]
    product, layers = MULTIPLICATION[kind], list(pairwise(sizes))
    outputs = sizes[-1] * LOSS_COSTS.get(loss, UNKNOWN_LOSS)[kind] + SAMPLE.get(loss, NO_SAMPLE)[kind]
    steps = 0.0
    for k, (inputs, units) in enumerate(layers):
        behind = sizes[k + 2 :]
        elements = output * (1 + sum(behind)) + unit * (sum(behind[:-1]) + (k + 2 < len(sizes)))
        products = product * sum(a * b for a, b in layers[k + 2 :])
        steps += (inputs + 1) * units * batch * (elements + products + outputs)
    sample = output * sum(sizes[1:]) + unit * sum(sizes[1:-1]) + product * sum(a * b for a, b in layers)
    steps += sizes[0] * batch * (sample + batch * outputs)
    return round(STEPS[kind] * (len(METHODS[method].offsets) * steps + batch * CALL))
