"""Hidden Markov models: the likelihood by brute force, EM that only climbs, and the truth that it finds."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

import genbench
from genbench.models.hmm import HMM, Chain, em_step, log_density

RNG = np.random.default_rng(0)
CHAIN = Chain(RNG.dirichlet(np.ones(3)), RNG.dirichlet(np.ones(3), 3), RNG.normal(size=3), RNG.uniform(0.5, 1.5, 3))


def by_brute_force(chain, x):
    """log p(x) [n], summed over all K^T paths of states."""
    total = np.zeros(len(x))
    for path in itertools.product(range(len(chain.start)), repeat=x.shape[1]):
        moves = chain.start[path[0]] * np.prod([chain.transition[a, b] for a, b in itertools.pairwise(path)])
        total += moves * np.prod([norm.pdf(x[:, t], chain.means[s], chain.stds[s]) for t, s in enumerate(path)], axis=0)
    return np.log(total)


def test_the_likelihood_is_the_sum_over_all_paths():
    x = 2 * RNG.normal(size=(10, 6))
    np.testing.assert_allclose(log_density(CHAIN, x), by_brute_force(CHAIN, x), rtol=0, atol=1e-10)


def test_a_state_that_cannot_be_reached_counts_for_nothing():
    chain = Chain(np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0.0, 9.0]), np.ones(2))
    x = RNG.normal(size=(4, 5))
    np.testing.assert_allclose(log_density(chain, x), norm.logpdf(x).sum(axis=1), atol=1e-12)


def test_far_values_do_not_underflow():
    x = np.full((1, 40), 1e3)
    assert np.isfinite(log_density(CHAIN, x)).all()
    assert all(np.isfinite(part).all() for part in em_step(x, CHAIN)[0])


def test_em_is_hmmlearns():
    hmm = pytest.importorskip("hmmlearn.hmm")
    x = genbench.load_dataset("hmm_gaussian").sample(100, seed=5)
    peer = hmm.GaussianHMM(
        3, "diag", min_covar=0, covars_prior=0, covars_weight=0, n_iter=1, init_params="", implementation="log"
    )
    peer.startprob_, peer.transmat_ = CHAIN.start, CHAIN.transition
    peer.means_, peer.covars_ = CHAIN.means[:, None], CHAIN.stds[:, None] ** 2
    expected = peer.score(x.reshape(-1, 1), [16] * 100)
    peer.fit(x.reshape(-1, 1), [16] * 100)
    found, log_likelihood = em_step(x, CHAIN)
    assert log_likelihood == pytest.approx(expected, abs=1e-8)
    np.testing.assert_allclose(found.transition, peer.transmat_, atol=1e-10)
    np.testing.assert_allclose(found.start, peer.startprob_, atol=1e-10)
    np.testing.assert_allclose(found.means, peer.means_[:, 0], atol=1e-10)
    np.testing.assert_allclose(found.stds**2, peer.covars_.ravel(), atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_em_never_lowers_the_likelihood(seed):
    """Over 120 steps from a bad start, to rounding."""
    rng = np.random.default_rng(seed)
    x = genbench.load_dataset("sine_mixture").sample(150, seed=seed)
    chain = Chain(rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4), 4), rng.normal(size=4), rng.uniform(0.2, 2, 4))
    path = HMM(states=4, tolerance=0).climb(x, chain, 120)[1]
    assert len(path) == 121 or path[-1] - path[-2] < 1e-12
    assert np.diff(path).min() > -1e-12
    assert path[-1] - path[0] > 0.05


def test_it_finds_the_truth():
    """1,500 windows of 16 steps, 5 standard errors: means and deviations to 0.06, probabilities to 0.035."""
    data = genbench.load_dataset("hmm_gaussian")
    model = genbench.load_model("hmm", restarts=3).fit(data.sample(1500, seed=1))
    chain, units = model.model.chain, model.standardiser
    order = np.argsort(chain.means)
    np.testing.assert_allclose(units.scale[0] * chain.means[order] + units.mean[0], [-3, 0, 3], atol=0.06)
    np.testing.assert_allclose(units.scale[0] * chain.stds[order], 1, atol=0.06)
    np.testing.assert_allclose(chain.transition[np.ix_(order, order)], data.transition, atol=0.035)
    np.testing.assert_allclose(chain.start[order], 1 / 3, atol=0.06)
    x = data.sample(4000, seed=2)
    excess = data.log_prob(x) - model.log_prob(x)
    assert -0.002 < excess.mean() < 0.02  # 14 parameters cost 14 / (2 · 1500) = 0.005 nats
    log_p = model.log_prob(model.sample(10_000))
    assert abs(-log_p.mean() - data.entropy) < 0.02 + 5 * log_p.std() / 100
