import numpy as np
import pytest

from genbench.statistics.moderated import DRAWS, Spread, moderated_variance, residual_variances


def example():
    """Return variances as in the example of limma's `lmFit`: 100 genes, sd = 0.3 √(4/χ²₄), 4 degrees of freedom."""
    rng = np.random.default_rng(0)
    truth = 0.3**2 * 4 / rng.chisquare(4, 100)
    return truth * rng.chisquare(4, 100) / 4


def test_moderated_variances_are_limmas():
    """The values are those of limma's squeezeVar, by its port to Python (inmoose 0.9.1)."""
    moderated = moderated_variance(example(), 4, 6.43572238, 0.10075603)
    np.testing.assert_allclose(moderated[:4], [0.09761582, 0.07689859, 0.12192299, 0.06944185], rtol=1e-6)


def test_with_many_models_the_grid_agrees_with_limmas_moments():
    """limma fits d₀ = 6.4 and s₀² = 0.101 by moments; the truth is 4 and 0.09."""
    found = Spread.of(example(), np.full(100, 4.0))
    assert found.prior_freedom == pytest.approx(6.44, rel=0.3)
    assert found.prior == pytest.approx(0.1008, rel=0.15)
    limma = moderated_variance(example(), 4, 6.43572238, 0.10075603)
    assert np.median(np.abs(np.log(found.variance / limma))) < 0.12


def test_draws_have_the_distribution_of_the_variances():
    """Where d₀ and s₀² are known from many models, 1/σ² is a scaled χ² with the mean 1/(moderated variance)."""
    rng = np.random.default_rng(1)
    truth = 0.04 * 5 / rng.chisquare(5, 600)
    variances = truth * rng.chisquare(2, 600) / 2
    found = Spread.of(variances, np.full(600, 2.0))
    assert found.draws.shape == (DRAWS, 600)
    usual = variances < 0.05  # others may be taken for wild
    np.testing.assert_allclose((found.draws[:, usual] ** -2.0).mean(axis=0), 1 / found.variance[usual], rtol=0.1)
    # The truth lies below the median draw of its model in half of the cases: within 4 standard errors.
    below = (truth < np.median(found.draws, axis=0) ** 2).mean()
    assert below == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(600))


def test_a_wild_model_does_not_spoil_the_others_and_keeps_its_own_spread():
    rng = np.random.default_rng(2)
    sd = np.array([0.1] * 9 + [3.0])
    variances = sd**2 * rng.chisquare(4, 10) / 4
    found = np.sqrt(Spread.of(variances, np.full(10, 4.0)).variance)
    assert found[:9].max() < 0.2
    assert found[9] > 2.0


def test_residual_variances_are_plain_without_effects_of_seeds():
    y = np.random.default_rng(3).normal(size=(6, 5))
    variances, freedom, effects = residual_variances(y)
    np.testing.assert_allclose(variances, y.var(axis=1, ddof=1))
    assert freedom.tolist() == [4.0] * 6
    assert not effects.any()


def test_effects_of_seeds_are_found_and_taken_out():
    rng = np.random.default_rng(4)
    hard = np.array([-1.0, 0.2, 0.8])
    y = hard + 0.1 * rng.normal(size=(40, 3))
    variances, freedom, effects = residual_variances(y)
    np.testing.assert_allclose(effects, hard - hard.mean(), atol=0.1)
    assert variances.mean() == pytest.approx(0.01, rel=0.35)  # χ² with 78 degrees of freedom: 2 standard errors
    assert (freedom < 2).all()
    y[5, 0] = np.nan
    np.testing.assert_allclose(residual_variances(y)[2], effects, atol=0.05)


def test_two_models_have_no_effects_of_seeds_to_share():
    y = np.array([[1.0, 2.0, 3.0], [1.1, 2.1, 3.2]])
    np.testing.assert_allclose(residual_variances(y)[0], y.var(axis=1, ddof=1))
