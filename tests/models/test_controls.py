"""The controls do what their names say, exactly."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import genbench
from genbench.core.errors import GenbenchError


def correlated(n: int, d: int, seed: int = 0) -> np.ndarray:
    mixing = np.random.default_rng(d).normal(size=(d + 1, d))
    return np.random.default_rng(seed).normal(size=(n, d)) @ mixing[1:] + 10 * mixing[0]


@pytest.mark.parametrize("d", [1, 2, 20])
def test_gaussian_is_the_maximum_likelihood_normal(d):
    x, new = correlated(2000, d), correlated(100, d, seed=1)
    model = genbench.load_model("gaussian", ridge=0).fit(x)
    expected = multivariate_normal(x.mean(axis=0), np.cov(x.T, bias=True).reshape(d, d)).logpdf(new)
    np.testing.assert_allclose(model.log_prob(new), expected, rtol=1e-8)
    assert model.parameters == d + d * (d + 1) // 2


def test_gaussian_samples_have_its_moments():
    x = correlated(5000, 3)
    samples = genbench.load_model("gaussian").fit(x).sample(100_000)
    cov = np.cov(x.T, bias=True)
    z = np.linalg.solve(np.linalg.cholesky(cov), (samples - x.mean(axis=0)).T)
    assert np.abs(z.mean(axis=1)).max() < 4.5 / np.sqrt(100_000)  # by chance once in 50,000 seeds
    assert np.abs(np.cov(z) - np.eye(3)).max() < 4.5 * np.sqrt(2 / 100_000)  # once in 50,000 seeds for each entry


def test_gaussian_survives_a_constant_column():
    x = np.column_stack([correlated(500, 2), np.full(500, 7.0)])
    model = genbench.load_model("gaussian").fit(x)
    assert np.isfinite(model.log_prob(x)).all()
    assert model.sample(100)[:, 2] == pytest.approx(7, abs=1e-3)
    with pytest.raises(GenbenchError, match="ridge must not be negative"):
        genbench.load_model("gaussian", ridge=-1)


@pytest.mark.parametrize("shape", [(2,), (4, 3)])
def test_memoriser_returns_only_training_points(shape):
    x = np.random.default_rng(0).normal(size=(50, *shape))
    samples = genbench.load_model("memoriser").fit(x).sample(5000)
    flat = samples.reshape(5000, -1)
    distance = np.abs(flat[:, None, :] - x.reshape(1, 50, -1)).max(axis=2)
    assert distance.min(axis=1).max() < 1e-12  # up to the rounding of the units
    counts = np.bincount(distance.argmin(axis=1), minlength=50)
    assert counts.min() > 50  # 100 on average with s.d. 10; by chance once in 70,000 seeds


def test_oracle_is_the_truth():
    moons = genbench.load_dataset("moons")
    splits = moons.splits(0)
    oracle = genbench.load_model("oracle").reveal(moons, splits)
    np.testing.assert_array_equal(oracle.log_prob(splits.test), moons.log_prob(splits.test))
    samples = oracle.sample(5000, seed=1)
    assert (samples == oracle.sample(5000, seed=1)).all()
    assert not (samples == oracle.sample(5000, seed=2)).any()
    log_p = moons.log_prob(samples)
    assert abs(-log_p.mean() - moons.entropy) < 4 * log_p.std() / np.sqrt(5000)  # by chance once in 16,000 seeds


def test_oracle_of_real_data_is_held_out_points():
    wine = genbench.load_dataset("wine")
    splits = wine.splits(0)
    oracle = genbench.load_model("oracle").reveal(wine, splits)
    held_out = {row.tobytes() for row in splits.validation}
    few = {row.tobytes() for row in oracle.sample(30)}
    assert len(few) == 30
    assert few <= held_out
    assert {row.tobytes() for row in oracle.sample(1000)} <= held_out
    with pytest.raises(NotImplementedError, match="density of wine is not known"):
        oracle.log_prob(splits.test)


def test_oracle_cannot_be_fitted():
    with pytest.raises(GenbenchError, match="samples from the truth"):
        genbench.load_model("oracle").fit(np.zeros((10, 2)))


@pytest.mark.parametrize("name", ["gaussian", "memoriser"])
def test_same_seed_same_bits(name):
    x = correlated(100, 2)
    state = np.random.get_state()[1].copy()
    first, second = (genbench.load_model(name).fit(x, seed=3).sample(50, seed=4) for _ in range(2))
    assert (first == second).all()
    assert (np.random.get_state()[1] == state).all()


def test_nll_moves_by_d_log_2_when_the_data_double():
    x, new = correlated(1000, 3), correlated(100, 3, seed=1)
    one, two = (genbench.load_model("gaussian").fit(a * x).log_prob(a * new) for a in (1, 2))
    np.testing.assert_allclose(one - two, 3 * np.log(2), atol=1e-9)
