"""Linear autoregression: against statsmodels' conditional least squares, against the truth, and on its own."""

import numpy as np
import pytest

import genbench
from genbench.contracts.series import windows
from genbench.core.errors import GenbenchError
from genbench.core.registry import REGISTRY, discover
from genbench.models.ar_linear import ARLinear, Naive, SeasonalNaive
from genbench.testing import model_contract

discover()
AIRLINE = genbench.load_dataset("airline").series


def fitted(x, **params):
    model = ARLinear(**params)
    model.fit(x)
    return model


@pytest.mark.parametrize("p", [1, 2, 12, 14])
def test_airline_equals_statsmodels(p):
    ar_model = pytest.importorskip("statsmodels.tsa.ar_model")
    peer = ar_model.AutoReg(AIRLINE, p).fit()
    model = fitted(AIRLINE[None], p=p)
    np.testing.assert_allclose([model.intercept, *model.coefficients], peer.params, rtol=0, atol=1e-8)
    assert model.log_conditionals(AIRLINE[None]).sum() == pytest.approx(peer.llf, abs=1e-8)
    one_step = model.forecast(windows(AIRLINE, p)[:-1]).mean
    np.testing.assert_allclose(one_step, peer.fittedvalues, atol=1e-8)


def test_standardising_a_series_leaves_the_coefficients_alone():
    ar_model = pytest.importorskip("statsmodels.tsa.ar_model")
    model = genbench.load_model("ar_linear", p=12).fit(AIRLINE)
    np.testing.assert_allclose(model.model.coefficients, ar_model.AutoReg(AIRLINE, 12).fit().params[1:], atol=1e-8)
    assert np.isfinite(model.log_prob(AIRLINE[None])).all()


@pytest.mark.parametrize("criterion", ["aic", "bic"])
@pytest.mark.parametrize("name", ["airline", "ar_process"])
def test_the_chosen_order_is_statsmodels(criterion, name):
    ar_model = pytest.importorskip("statsmodels.tsa.ar_model")
    x = genbench.load_dataset(name).series
    expected = ar_model.ar_select_order(x, 16, ic=criterion).ar_lags or []
    assert fitted(x[None], criterion=criterion, most=16).order == len(expected)


def test_overlapping_windows_count_each_value_once():
    whole, cut = fitted(AIRLINE[None], p=12), fitted(windows(AIRLINE, 20), p=12)
    np.testing.assert_array_equal(cut.coefficients, whole.coefficients)
    assert cut.std == whole.std


def test_it_finds_the_truth_of_a_process():
    # 20,000 windows hold 280,000 equations: standard errors of the coefficients are about 0.0015.
    data = genbench.load_dataset("ar_process")
    model = genbench.load_model("ar_linear").fit(data.sample(20_000, seed=1))
    assert model.model.order == 2
    assert model.model.stationary
    np.testing.assert_allclose(model.model.coefficients, [1.28, -0.6], atol=0.008)
    x = data.sample(5000, seed=2)
    assert abs((data.log_prob(x) - model.log_prob(x)).mean()) < 0.002


def test_stationary_windows_have_their_exact_density():
    data = genbench.load_dataset("ar_process", p=3, length=9)
    model = fitted(data.sample(100, seed=0), p=3)
    model.intercept, model.coefficients, model.std = 0.0, data.coefficients, 1.0
    model._begin([data.sample(5)])
    x = data.sample(50, seed=1)
    np.testing.assert_allclose(model.log_prob(x), data.log_prob(x), atol=1e-8)


def test_a_series_that_grows_starts_where_its_windows_do():
    model = fitted(windows(AIRLINE, 13), p=12)
    assert not model.stationary
    np.testing.assert_allclose(model.start_mean, windows(AIRLINE, 12).mean(axis=0))


@pytest.mark.parametrize("p", [0, 1, 3])
def test_samples_follow_the_density(p):
    # E log p(x) of its own samples is −entropy: within 5 standard errors, which fails once in a million seeds.
    data = genbench.load_dataset("ar_process", p=3, length=8)
    model = genbench.load_model("ar_linear", p=p).fit(data.sample(3000, seed=0))
    log_p = model.log_prob(model.sample(20_000))
    white = np.log(model.model.std * model.standardiser.scale[0])
    start = 0.0 if p == 0 else np.log(np.diag(model.model.start_root)).sum() + p * np.log(model.standardiser.scale[0])
    entropy = 8 * 0.5 * np.log(2 * np.pi * np.e) + (8 - p) * white + start
    assert abs(-log_p.mean() - entropy) < 5 * log_p.std() / np.sqrt(len(log_p))


def test_naive_forecasts_repeat_the_past():
    x = AIRLINE[:100]
    naive, seasonal = Naive(), SeasonalNaive()
    for model in (naive, seasonal):
        model.fit(windows(x, 13))
    history = AIRLINE[None, 100:112]
    assert naive.forecast(history).mean == pytest.approx([AIRLINE[111]])
    assert seasonal.forecast(history).mean == pytest.approx([AIRLINE[100]])
    assert naive.std == pytest.approx(np.sqrt(np.mean(np.diff(x) ** 2)))
    assert seasonal.std == pytest.approx(np.sqrt(np.mean((x[12:] - x[:-12]) ** 2)))


@pytest.mark.parametrize(
    "contract", [c for c in model_contract.CONTRACT if c is not model_contract.follows_units], ids=lambda c: c.__name__
)
@pytest.mark.parametrize(
    ("name", "params"), [("ar_linear", {}), ("ar_linear", {"p": 0}), ("hmm", {"restarts": 2})], ids=str
)
def test_contract(name, params, contract):
    contract(REGISTRY["models"][name], params)


@pytest.mark.parametrize("name", ["ar_linear", "hmm", "seasonal_naive"])
def test_units_of_a_series_are_one(name):
    """From x to 8x + 3 the density of a window of 6 falls by 6 log 8 nats: a series has one scale for all its steps."""
    x = genbench.load_dataset("ar_process", length=6).sample(200)
    here, there = (genbench.load_model(name).fit(values).log_prob(values[:20]) for values in (x, 8 * x + 3))
    np.testing.assert_allclose(here - there, 6 * np.log(8), atol=1e-8)


def test_bad_input_is_refused_with_a_remedy():
    with pytest.raises(GenbenchError, match="must not be negative"):
        genbench.load_model("ar_linear", p=-1)
    with pytest.raises(GenbenchError, match="one of bic, aic"):
        genbench.load_model("ar_linear", criterion="hqic")
    with pytest.raises(GenbenchError, match="give a smaller p or longer windows"):
        genbench.load_model("ar_linear", p=12).fit(np.random.default_rng(0).normal(size=(50, 12)))
    with pytest.raises(GenbenchError, match="linearly dependent"):
        genbench.load_model("ar_linear", p=2).fit(np.arange(40.0)[None])
