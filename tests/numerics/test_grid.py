import numpy as np
import pytest

from genbench.numerics.grid import dequantise, resolution


def column(*values):
    return np.array(values, dtype=np.float64)[:, None]


@pytest.mark.parametrize("start", [0.0, 1.7e9, 1_764_422_400_000.0, 2.0**53 - 400])
def test_consecutive_whole_numbers_have_resolution_1(start):
    np.testing.assert_array_equal(resolution(start + np.arange(300.0)[:, None]), [1])


@pytest.mark.parametrize(
    ("values", "expected", "error"),
    [
        (column(0.1, 0.3, 0.1 + 0.2, 0.8), 0.2, 1e-15),  # 0.1 + 0.2 is not 0.3
        (column(0.3, 0.1 + 0.2), 0, 0),
        (column(14.62, 14.62, np.nextafter(14.62, 15)), 0, 0),
        (np.concatenate([np.cumsum(np.full(50, 0.1)), np.arange(1, 51) * 0.1])[:, None], 0.1, 1e-13),
        (np.repeat(np.float32([0.1, 0.3, np.float32(0.1) + np.float32(0.2), 0.8]), 2)[:, None], 0.2, 1e-7),
        (column(*np.random.default_rng(0).integers(0, 30_000, 300) / 1e5 + 2_460_311), 1e-5, 1e-9),  # Julian dates
        (column(*np.random.default_rng(0).integers(0, 2_000, 300) / 1e6 + 1.7644224e9), 1e-6, 3e-7),  # 4 ulp a step
        (1e6 + np.arange(30.0)[:, None] / 8, 0.125, 0),  # two units of float32, and true gaps
        (column(1e-320, 2e-320, 4e-320), 1e-320, 1e-322),
        (column(-4e307, 4e307), 8e307, 0),
    ],
)
def test_resolution(values, expected, error):
    np.testing.assert_allclose(resolution(values.astype(np.float64)), [expected], rtol=0, atol=error)


def test_columns_have_their_own():
    x = np.array([[0.1, 5, 7], [0.3, 5, 9], [0.1 + 0.2, 8, 7], [0.8, 105, 9]])
    np.testing.assert_allclose(resolution(x), [0.2, 3, 2])
    np.testing.assert_array_equal(resolution(np.ones((4, 2))), [0, 0])


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e12])
def test_noise_rounds_back_and_leaves_constants(scale):
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(0, 9, 2000) * 0.1, rng.integers(0, 9, 2000), np.full(2000, 0.1)]) * scale
    noisy = dequantise(x, rng)
    np.testing.assert_array_equal(noisy[:, 2], x[:, 2])
    for k in (0, 1):
        recorded = np.unique(x[:, k])
        nearest = recorded[np.abs(noisy[:, k, None] - recorded).argmin(axis=1)]
        np.testing.assert_array_equal(nearest, x[:, k])


def test_noise_of_large_whole_numbers_rounds_back():
    x = 2.0**51 + np.arange(2000.0)[:, None]  # half a step is one unit in the last place
    assert (np.abs(dequantise(x, np.random.default_rng(0)) - x) < 0.5).all()
