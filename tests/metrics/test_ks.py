"""ks against scipy and a closed form."""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import ks_2samp

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.metrics.ks import kolmogorov_smirnov, ks


class Space(SyntheticDataset):
    shape = (3,)


def score(samples, test):
    return ks(Evidence(Space(), samples, test, None, seed=0))


@pytest.mark.parametrize(("n", "m"), [(500, 500), (1_003, 77), (1, 50), (2, 2)])
@pytest.mark.parametrize("digits", [15, 1, 0])  # ties within and between
def test_equals_scipy(n, m, digits):
    rng = np.random.default_rng(n + m)
    u, v = np.round(rng.normal(size=n), digits), np.round(0.2 + 1.3 * rng.normal(size=m), digits)
    expected = ks_2samp(u, v, method="asymp").statistic
    assert kolmogorov_smirnov(u, v) == pytest.approx(expected, abs=1e-12)
    assert kolmogorov_smirnov(v, u) == pytest.approx(expected, abs=1e-12)


def test_is_the_largest_over_coordinates():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5_000, 3)), rng.normal(size=(900, 3))
    x[:, 1] *= 2
    parts = [ks_2samp(a, b, method="asymp").statistic for a, b in zip(x.T, y.T, strict=True)]
    assert score(x, y) == pytest.approx(max(parts), abs=1e-12)
    assert np.argmax(parts) == 1


def test_known_values():
    """Between N(0, 1) and N(1, 1) it is 2 Φ(½) − 1, at the threshold ½; a quantile sample has it but for its step."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40_000, 3))
    y = rng.normal(size=(40_000, 3)) + np.array([0, 0, 1])
    assert score(x, y) == pytest.approx(2 * ndtr(0.5) - 1, abs=0.015)  # 4.3 s.e. of a difference of two shares
    assert score(x, x) == 0
    assert score(x, x[::-1]) == 0
    assert score(x, x + np.array([0, 100, 0])) == 1
