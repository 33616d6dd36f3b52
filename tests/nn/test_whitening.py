import numpy as np
import pytest
import torch

from genbench.nn.whitening import Whitening

SHAPE = (2, 2, 3)


def correlated(n):
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(12, 12, generator=generator, dtype=torch.float64)
    return (3 + torch.randn(n, 12, generator=generator, dtype=torch.float64) @ root).view(n, *SHAPE)


def fitted(x, shrinkage):
    whitening = Whitening(SHAPE, shrinkage).double()
    whitening.fit(x)
    return whitening


def test_whitened_pictures_have_mean_0_and_the_identity_as_covariance():
    x = correlated(2500)
    y = fitted(x, 0.0)(x)[0].flatten(1)
    torch.testing.assert_close(y.mean(dim=0), torch.zeros(12, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(y.T.cov(correction=0), torch.eye(12, dtype=torch.float64), rtol=0, atol=1e-6)


@pytest.mark.parametrize("shrinkage", [0.0, 0.1])
def test_log_det_and_inverse(shrinkage):
    x = correlated(50)
    whitening = fitted(x, shrinkage)
    y, log_det = whitening(x[:3])
    back, back_log_det = whitening.inverse(y)
    expected = torch.linalg.slogdet(whitening.matrix).logabsdet.expand(3)
    torch.testing.assert_close(log_det, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(back_log_det, -expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(back, x[:3])


def test_the_matrix_is_the_symmetric_root_of_the_shrunk_covariance():
    x = correlated(200)
    matrix = fitted(x, 0.2).matrix.numpy()
    covariance = np.cov(x.flatten(1).T, bias=True)
    shrunk = 0.8 * covariance + 0.2 * np.trace(covariance) / 12 * np.eye(12)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    np.testing.assert_allclose(matrix @ shrunk @ matrix, np.eye(12), atol=1e-9)


def test_pixels_that_always_agree_stay_finite():
    x = torch.randn(100, 1, 1, 1).expand(100, *SHAPE).contiguous()
    whitening = Whitening(SHAPE, 0.01)
    whitening.fit(x)
    y, log_det = whitening(x)
    assert torch.isfinite(y).all()
    assert torch.isfinite(log_det).all()
    torch.testing.assert_close(whitening.inverse(y)[0], x, rtol=0, atol=1e-4)
