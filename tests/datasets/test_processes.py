"""Processes whose truth is known: densities against sums over all paths, conditionals, autocovariances and paths."""

import itertools

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from genbench import load_dataset
from genbench.core.errors import GenbenchError

CASES = [
    ("ar_process", {"p": 1}), ("ar_process", {"p": 2}), ("ar_process", {"p": 5, "std": 0.5}),
    ("ar_process", {"p": 6, "length": 4}), ("hmm_gaussian", {"length": 5}), ("hmm_gaussian", {"states": 2, "stay": 0.6}),
    ("sine_mixture", {}), ("sine_mixture", {"components": 1, "length": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params"), CASES, ids=str)
def test_the_conditional_is_the_quotient_of_two_densities(name, params):
    whole = load_dataset(name, **params)
    x = whole.sample(200, seed=1)
    shorter = load_dataset(name, **params | {"length": whole.length - 1})
    np.testing.assert_allclose(
        whole.forecast(x[:, :-1]).log_prob(x[:, -1]), whole.log_prob(x) - shorter.log_prob(x[:, :-1]), atol=1e-9
    )


@pytest.mark.parametrize(("name", "params"), CASES[2:7:2], ids=str)
def test_paths_and_windows_are_of_one_process(name, params):
    # Autocovariances at lags 0 to 3 of 4,000 short paths and of as many windows: within 5 standard errors of each other.
    data = load_dataset(name, **params)
    rng = np.random.default_rng(0)
    paths = np.stack([data.path(6, rng)[-4:] for _ in range(4000)])
    for lag in range(4):
        a, b = (x[:, 0] * x[:, lag] for x in (paths, data.sample(4000, seed=2)))
        assert abs(a.mean() - b.mean()) < 5 * np.sqrt((a.var() + b.var()) / 4000)


def test_an_hmm_sums_over_all_paths_of_states():
    data = load_dataset("hmm_gaussian", states=3, length=4, stay=0.7)
    x = data.sample(6, seed=0)
    total = np.zeros(6)
    for path in itertools.product(range(3), repeat=4):
        moves = np.prod([0.7 if a == b else 0.15 for a, b in itertools.pairwise(path)])
        total += moves / 3 * np.prod([norm.pdf(x[:, t], [-3, 0, 3][s], 1) for t, s in enumerate(path)], axis=0)
    np.testing.assert_allclose(data.log_prob(x), np.log(total), atol=1e-12)


def test_sines_are_gaussian_given_the_period():
    data = load_dataset("sine_mixture", components=2, length=5, std=0.4)
    x, t = data.sample(20, seed=0), np.arange(5)
    given = [np.cos(2 * np.pi / period * (t[:, None] - t)) + 0.16 * np.eye(5) for period in (4, 6)]
    parts = [multivariate_normal(np.zeros(5), covariance).pdf(x) for covariance in given]
    np.testing.assert_allclose(data.log_prob(x), np.log(np.mean(parts, axis=0)), atol=1e-10)
    np.testing.assert_allclose(np.logaddexp.reduce(data.log_joint(x), axis=1), data.log_prob(x), atol=1e-12)


@pytest.mark.parametrize("p", [1, 2, 7])
def test_autocovariances_are_those_of_statsmodels(p):
    arima = pytest.importorskip("statsmodels.tsa.arima_process")
    data = load_dataset("ar_process", p=p, std=1.5)
    expected = arima.arma_acovf(np.r_[1, -data.coefficients], [1], nobs=20, sigma2=2.25)
    np.testing.assert_allclose(data.autocovariance(20), expected, rtol=1e-9, atol=1e-9)


def test_the_timeline_is_no_training_window_and_changes_with_the_seed():
    data = load_dataset("ar_process")
    one, other = data.timeline(0), data.timeline(1)
    assert len(one.values) - one.start == 500
    assert not np.isclose(one.values[:50], other.values[:50]).any()
    assert not np.isin(one.values[:16], data.splits(0).train).any()
    np.testing.assert_array_equal(data.series, data.series)


@pytest.mark.parametrize(
    ("name", "params"),
    [("ar_process", {"p": 0}), ("ar_process", {"length": 1}), ("hmm_gaussian", {"states": 1}),
     ("hmm_gaussian", {"stay": 1.0}), ("sine_mixture", {"std": -1.0}), ("sine_mixture", {"components": 0})],
)  # fmt: skip
def test_values_out_of_range_are_refused(name, params):
    with pytest.raises(GenbenchError, match=next(iter(params))):
        load_dataset(name, **params)
