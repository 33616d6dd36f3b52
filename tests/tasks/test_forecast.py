"""The task `forecast`: scores by hand, one store and one leaderboard, the figures, and what it refuses."""

import numpy as np
import pytest
from scipy.stats import norm

import genbench
from genbench.contracts.series import windows
from genbench.core.errors import GenbenchError
from genbench.figures import draw as draw_figure
from genbench.figures import save
from genbench.figures.diagnosis import autocorrelation, ljung_box
from genbench.metrics.coverage_error import coverage


def forecast(folder, models, data, **options):
    return genbench.run(
        models,
        data,
        budget="smoke",
        task="forecast",
        results=folder,
        jobs=0,
        progress=False,
        say=lambda _: None,
        **options,
    )


@pytest.fixture(scope="module")
def airline(tmp_path_factory):
    return forecast(tmp_path_factory.mktemp("r"), "ar_linear[p=12],naive,gaussian", "airline", seeds=2)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    return forecast(
        tmp_path_factory.mktemp("r"), "ar_linear,gaussian,naive,ar[hidden=16]", "ar_process", seeds=1, train=2000
    )


def test_scores_are_those_by_hand(airline):
    """AR(12) by numpy's least squares on the first 88 months, one step ahead on the last 28."""
    for trial in (t for t in airline.trials if t.model == "ar_linear[p=12]"):
        kept = airline.store.arrays(trial.key)
        x = kept["series"]
        equations = windows(x[:88], 13)
        design = np.column_stack([np.ones(76), equations[:, :12]])
        beta = np.linalg.lstsq(design, equations[:, 12], rcond=None)[0]
        std = np.sqrt(np.mean((equations[:, 12] - design @ beta) ** 2))
        observed, mean = x[116:], np.column_stack([np.ones(28), windows(x, 12)[104:-1]]) @ beta
        np.testing.assert_allclose(kept["mean"], mean, rtol=1e-8)
        error = observed - mean
        assert trial.metrics["mae"] == pytest.approx(np.abs(error).mean())
        assert trial.metrics["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
        assert trial.metrics["step_nll"] == pytest.approx(-norm.logpdf(error, 0, std).mean())
        z = error / std
        crps = std * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
        assert trial.metrics["crps"] == pytest.approx(crps.mean())
        inside = np.mean(np.abs(z) < norm.ppf(0.975))
        assert trial.diagnostics["coverage_95"] == pytest.approx(inside)
        assert trial.metrics["coverage_error"] == pytest.approx(abs(inside - 0.95))


def test_the_naive_forecast_is_the_last_value(airline):
    for trial in (t for t in airline.trials if t.model == "naive"):
        kept = airline.store.arrays(trial.key)
        np.testing.assert_allclose(kept["mean"], kept["series"][115:-1], rtol=1e-10)


def test_real_data_have_no_oracle_and_a_synthetic_process_has(airline, synthetic):
    assert {t.model for t in airline.trials} == {"ar_linear[p=12]", "naive", "gaussian"}
    rows = {row.model: row for row in synthetic.leaderboard().rows}
    assert rows["oracle"].role == "oracle"
    assert set(rows["oracle"].metrics) == {"step_nll", "crps", "mae", "rmse", "coverage_error"}
    assert rows["ar_linear"].metrics["crps"].ratio == pytest.approx(1, abs=0.02)
    assert rows["naive"].metrics["rmse"].ratio > 1.2


def test_the_oracle_is_the_process(synthetic):
    trial = next(t for t in synthetic.trials if t.role == "oracle")
    kept = synthetic.store.arrays(trial.key)
    x = kept["series"]
    np.testing.assert_allclose(kept["mean"], 1.28 * x[99:-1] - 0.6 * x[98:-2], atol=1e-9)
    assert trial.metrics["step_nll"] == pytest.approx(0.5 * np.log(2 * np.pi * np.e), abs=0.16)  # 5 s.e. of 500 steps


def test_figures_are_drawn_from_the_store(airline, synthetic):
    names = {file.name for file in save(genbench.load_run(airline.path))}
    assert {"fan.png", "diagnosis-airline-naive.png", "diagnosis-airline-ar_linear_p=12.png"} <= names
    assert not any(name.startswith(("samples", "pareto")) for name in names)
    assert [file.name for file in save(genbench.load_run(synthetic.path), ["fan"])] == ["fan.png"]


def test_the_data_of_the_figures_are_those_of_the_store_on_the_same_axes(airline):
    figure = draw_figure(airline, "fan")["fan"]
    trial = next(t for t in airline.trials if t.model == "naive")
    kept, data = airline.arrays(trial.key), figure.data[figure.data["model"] == "naive"]
    median = data[data["line"] == "median"]
    np.testing.assert_array_equal(median["value"], kept["fan"][2])
    np.testing.assert_array_equal(median["step"], np.arange(1, 29))
    shown = data[data["line"] == "data"]
    np.testing.assert_array_equal(shown["value"], kept["series"][116 - 36 :])
    assert list(shown["step"]) == list(range(-35, 29))
    panels = [panel for panel in figure.axes if panel.axison]
    assert len(panels) == 3
    assert len({(panel.get_xlim(), panel.get_ylim()) for panel in panels}) == 1
    data = draw_figure(airline, "diagnosis")["diagnosis-airline-naive"].data
    np.testing.assert_array_equal(data["residual"], kept["series"][116:] - kept["mean"])
    assert data["residual"].abs().mean() == pytest.approx(trial.metrics["mae"])
    assert 1 - data["outside"].mean() == pytest.approx(trial.diagnostics["coverage_95"])


def test_futures_go_on_from_the_last_training_step(airline):
    kept = airline.store.arrays(next(t.key for t in airline.trials if t.model == "naive"))
    fan, last = kept["fan"], kept["series"][115]
    assert fan.shape == (5, 28)
    assert (np.diff(fan, axis=0) > 0).all()
    assert abs(kept["futures"][:, 0] - last).max() < 5 * (fan[4, 0] - fan[0, 0]) / 3.9
    spread = fan[4] - fan[0]  # of a random walk: √h times that of the first step
    assert spread[24] / spread[0] == pytest.approx(5, rel=0.2)


def test_autocorrelations_and_their_test_are_statsmodels():
    tools = pytest.importorskip("statsmodels.tsa.stattools")
    diagnostic = pytest.importorskip("statsmodels.stats.diagnostic")
    x = np.cumsum(np.random.default_rng(0).normal(size=80)) + np.random.default_rng(1).normal(size=80)
    found = autocorrelation(x, 10)
    np.testing.assert_allclose(found, tools.acf(x, nlags=10)[1:], atol=1e-12)
    assert ljung_box(found, 80) == pytest.approx(diagnostic.acorr_ljungbox(x, lags=[10])["lb_pvalue"].iloc[0], rel=1e-9)


def test_intervals_that_are_too_narrow_are_told():
    from genbench.contracts.task_evidence import Forecasts
    from genbench.metrics.coverage_error import coverage_error
    from genbench.numerics.mixture import Mixture

    data, y = genbench.load_dataset("ar_process"), np.random.default_rng(0).normal(size=400)
    right = Forecasts(data, 0, y, Mixture.gaussian(np.zeros(400), 1.0))
    narrow = Forecasts(data, 0, y, Mixture.gaussian(np.zeros(400), 0.5))
    np.testing.assert_array_equal(coverage(right), np.abs(y) <= norm.ppf(0.975))
    assert coverage_error(right).flag is None
    assert "too narrow" in coverage_error(narrow).flag


@pytest.mark.parametrize(
    ("models", "data", "reason"),
    [("gaussian", "moons", "no series to forecast"), ("memoriser", "ar_process", "has no method `forecast`"),
     ("glow", "airline", "takes image"), ("ar_linear[p=13]", "airline[length=28]", "smaller length")],
)  # fmt: skip
def test_what_cannot_be_forecast_is_refused(tmp_path, models, data, reason):
    if reason == "smaller length":
        assert forecast(tmp_path, models, data, seeds=1).trials[0].error.message.endswith("give a smaller length")
    else:
        with pytest.raises(GenbenchError, match=reason):
            forecast(tmp_path, models, data, seeds=1)
