"""frechet against closed forms, scipy's matrix root and optimal transport."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.core.errors import GenbenchError
from genbench.metrics.frechet import frechet, frechet_distance, frechet_of, root


def covariance(d, rank, seed):
    a = np.random.default_rng(seed).normal(size=(d, rank))
    return a @ a.T


@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_equals_scipys_root_of_the_product(d):
    c1, c2 = covariance(d, 2 * d, 1), covariance(d, 2 * d, 2)
    m1, m2 = np.random.default_rng(3).normal(size=(2, d))
    expected = ((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)
    assert frechet_distance(m1, c1, m2, c2) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(m2, c2, m1, c1) == pytest.approx(expected, rel=1e-9)


def test_commuting_covariances():
    """Bures: along common axes it is the squared distance of the standard deviations."""
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    s1, s2 = np.array([1.0, 2, 3, 0, 1e-3]), np.array([2.0, 0.5, 3, 1, 0])
    d = frechet_distance(np.zeros(5), (q * s1**2) @ q.T, np.ones(5), (q * s2**2) @ q.T)
    assert d == pytest.approx(5 + ((s1 - s2) ** 2).sum(), rel=1e-7)


def test_lines_at_an_angle():
    """Gaussians on two lines through the origin at the angle θ, covariances uuᵀ and vvᵀ: 2 − 2 |cos θ|."""
    for theta in (0.0, 0.4, np.pi / 2, 2.0):
        u, v = np.array([1.0, 0.0]), np.array([np.cos(theta), np.sin(theta)])
        d = frechet_distance(np.zeros(2), np.outer(u, u), np.zeros(2), np.outer(v, v))
        assert d == pytest.approx(2 - 2 * abs(np.cos(theta)), abs=1e-12)


@pytest.mark.parametrize(("d", "rank"), [(1, 1), (16, 16), (64, 20), (64, 1)])
def test_a_gaussian_is_at_0_from_itself(d, rank):
    """Rank-deficient covariances too, where the root of the product would leave √ε of the trace: 1e-8, not 1e-13."""
    c = covariance(d, rank, 0)
    assert frechet_distance(np.zeros(d), c, np.zeros(d), c) <= 1e-13 * np.trace(c)
    assert frechet_distance(np.zeros(d), 0 * c, np.zeros(d), c) == pytest.approx(np.trace(c))
    np.testing.assert_allclose(root(c) @ root(c), c, atol=1e-12 * np.trace(c))


def test_points():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 1)), 2 * rng.normal(size=(50, 1)) + 1
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet_of(x, y) == pytest.approx(expected, rel=1e-12)
    assert frechet_of(x + 1e6, y + 1e6) == pytest.approx(expected, rel=1e-8)
    assert frechet_of(x, x) == pytest.approx(0, abs=1e-14)
    with pytest.raises(GenbenchError, match="at least 2"):
        frechet_of(x[:1], y)

    class Plane(SyntheticDataset):
        shape = (2,)

    moved = np.array([3.0, 4.0]) + (x := rng.normal(size=(500, 2)))
    assert frechet(Evidence(Plane(), moved, x, None, seed=0)) == pytest.approx(25)
