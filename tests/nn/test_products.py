"""The products of structured differences, beside numpy's own; of complex numbers too, and without a complex product."""

import numpy as np
import pytest

from mlp.nn import products
from mlp.nn.products import FEW_NUMBERS, rank_one, stacked_product

RNG = np.random.default_rng(0)


def drawn(shape, dtype):
    real = RNG.standard_normal(shape)
    return (real + 1j * RNG.standard_normal(shape) if dtype == "complex" else real).astype(dtype)


@pytest.fixture(autouse=True)
def no_complex_matmul(monkeypatch):
    """A complex matrix product slows down every exp and tanh of complex numbers after it, twentyfold."""
    matmul = np.matmul

    def real(a, b, **named):
        assert not np.iscomplexobj(a)
        assert not np.iscomplexobj(b)
        return matmul(a, b, **named)

    monkeypatch.setattr(np, "matmul", real)


@pytest.mark.parametrize("dtype", ["float64", "complex"])
@pytest.mark.parametrize("shape", [(7, 3), (5, 7, 3), (2, 300, 500)])
@pytest.mark.parametrize("is_turned", [False, True])
def test_the_stacked_product_is_that_of_each(dtype, shape, is_turned):
    W, xs = drawn((4, shape[-2]), "float64"), drawn(shape, dtype)
    if is_turned:  # with the features side by side in memory, as a product leaves them
        xs = np.ascontiguousarray(xs.swapaxes(-1, -2)).swapaxes(-1, -2)
    expected = np.einsum("of,...fk->...ok", W, xs)
    # Sums of n products, each rounded at most n times.
    bound = shape[-2] * np.finfo(float).eps * np.einsum("of,...fk->...ok", np.abs(W), np.abs(xs))
    assert np.all(np.abs(stacked_product(W, xs) - expected) <= 2 * bound)


@pytest.mark.parametrize("dtype", ["float64", "complex"])
@pytest.mark.parametrize("count", [2, FEW_NUMBERS])
def test_rank_one_adds_a_column_times_a_number(dtype, count):
    y, columns, delta = drawn((5, 4), "float64"), drawn((4, 3), "float64"), drawn((5, 3, count), dtype)
    expected = y[:, :, None, None] + columns[None, :, :, None] * delta[:, None]
    np.testing.assert_allclose(rank_one(y, columns, delta), expected.reshape(5, 4, -1), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("outputs", "features", "steps"),
    [(4, 3, 10), (300, 500, 2_000), (1_000, 100, 300), (16, 20_000, 50), (40, 9_000, 3)],
)
def test_no_product_is_so_large_that_blas_takes_threads_of_its_own(monkeypatch, outputs, features, steps):
    """Beyond 2^18 multiplications OpenBLAS does, and at worst all is twenty times slower on a busy machine."""
    sizes, matmul = [], np.matmul

    def counted(a, b, **named):
        sizes.append(a.shape[-2] * a.shape[-1] * b.shape[-1])
        return matmul(a, b, **named)

    monkeypatch.setattr(np, "matmul", counted)
    stacked_product(np.ones((outputs, features)), np.ones((features, steps)))
    # A tile has 32 outputs at least, lest it be slow for its size: of very wide layers a product may be larger.
    assert 0 < max(sizes) <= max(2**18, 32 * features)
    assert len(sizes) <= 4, "tiles of one size are one call"
    assert max(sizes) > min(2**18, outputs * features * steps) / 3, "and no smaller than it has to be"


def test_what_is_slow_for_its_size():
    """Measured: fewer outputs or steps to a tile, or a matrix product of fewer numbers, take longer than they save."""
    assert (products.LARGEST_PRODUCT, products.FEW_OUTPUTS, products.FEW_STEPS) == (2**18, 32, 64)
    assert FEW_NUMBERS == 4096
