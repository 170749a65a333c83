"""Checks made of given gradients, with error bars of a millionth."""

import numpy as np

from mlp.check.tensor import TensorCheck


def tensor_check(analytical, numerical, name="fc1.W"):
    bar = np.full(np.shape(analytical), 1e-6)
    return TensorCheck(name, analytical, numerical, bar, 0 * bar, 0 * bar, np.zeros(np.shape(analytical), bool))
