"""What a factor of a gradient may stand for."""

from mlp.nn.arrays import Array

_NEAR = 1e-6


def factor_words(factor: float, samples: int, outputs: int) -> str:
    """A factor, with what it counts if it is the number of samples or outputs, or one over it."""
    counts = {"the number of samples": samples, "samples times outputs": samples * outputs, "the outputs": outputs}
    for words, count in counts.items():
        if count > 1 and abs(factor - count) < _NEAR * count:
            return f"{factor:.6g} ({words}, as where a sum stands for a mean)"
        if count > 1 and abs(factor * count - 1) < _NEAR:
            return f"{factor:.6g} (one over {words}, as where a mean stands for a sum)"
    return f"{factor:.6g}"


def and_times(factor: float, dy: Array) -> str:
    """That all gradients have a factor beside, as the end of a sentence about the loss with this dy."""
    outputs = dy.shape[-1]
    return f", and all of it times {factor_words(factor, dy.size // outputs, outputs)}"
