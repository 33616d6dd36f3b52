"""The self-test: its cases have the densities they claim, its error rate is the stated one, and it can be read."""

import json

import numpy as np
import pytest
import typer
from scipy import stats
from scipy.stats import binomtest
from typer.testing import CliRunner

import genbench
from genbench.cli.selftest import selftest as command
from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator
from genbench.evaluation.faults import cases
from genbench.evaluation.selftest import binomial_interval, p_value, selftest


@pytest.fixture(scope="module")
def result():
    return selftest(genbench.load_dataset("eight_gaussians"), "sliced_w2,kl,true_nll,modes", repeats=6, samples=400)


@pytest.mark.parametrize("name", ["eight_gaussians", "moons"])
def test_each_density_is_that_of_the_draws(name):
    """The share of draws in a random box is the integral of the density over it, by uniform points of the box."""
    dataset = genbench.load_dataset(name)
    rng = generator(0, "boxes")
    train = dataset.sample(1000, seed=1)
    for case in cases(dataset, shift=0.5):
        x = case.draw(20_000, 3, train)
        assert x.shape == (20_000, 2)
        if case.log_prob is None:
            assert case.name in ("copies", "gaussian copula", "independent")
            continue
        for centre in x[:3]:
            side = 0.6 * dataset.sample(1000, seed=2).std()
            box = centre + side * (rng.random((20_000, 2)) - 0.5)
            weights = side**2 * np.exp(case.log_prob(box))
            share = (np.abs(x - centre) <= side / 2).all(axis=1).mean()
            error = np.hypot(weights.std() / np.sqrt(20_000), np.sqrt(share / 20_000))
            assert abs(weights.mean() - share) < 4.5 * error + 0.01 * share, case.name  # by chance once in 3,000 seeds
        assert np.isfinite(case.log_prob(x)).all()  # no draw lies where its density says 0


def test_the_faults_are_what_they_say():
    dataset = genbench.load_dataset("eight_gaussians")
    truth = dataset.sample(20_000, seed=9)
    by_name = {case.name: case for case in cases(dataset)}
    draws = {name: case.draw(20_000, 9, truth[:1000]) for name, case in by_name.items()}
    moved = draws["mean shift"] - draws["null"]
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), by_name["mean shift"].distances["w2"], rtol=1e-12)
    assert by_name["mean shift"].distances["w2"] == pytest.approx(0.1 * truth.std(axis=0).mean(), rel=0.02)
    nearest = np.linalg.norm(draws["dropped mode"][:, None] - dataset.modes, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(np.unique(nearest), np.arange(1, 8))
    thinned = (draws["wrong weights"][:, 0] > np.median(truth[:, 0])).mean()
    assert thinned == pytest.approx(1 / 3, abs=0.02)  # 1 : 2
    narrow = np.linalg.norm(draws["variance collapse"][:, None] - dataset.modes, axis=2).min(axis=1)
    wide = np.linalg.norm(draws["null"][:, None] - dataset.modes, axis=2).min(axis=1)
    assert narrow.mean() == pytest.approx(0.9 * wide.mean(), rel=1e-6)


def test_without_modes_an_eighth_of_the_mass_is_dropped():
    dataset = genbench.load_dataset("moons")
    dropped = next(case for case in cases(dataset) if case.name == "dropped mode")
    x = dropped.draw(20_000, 0, np.zeros((1, 2)))
    assert (dataset.sample(20_000, seed=5)[:, 0] > x[:, 0].max()).mean() == pytest.approx(1 / 8, abs=0.015)


def test_a_score_from_the_null_is_outside_at_the_stated_rate():
    """Exactly 4 in 80 of exchangeable scores: within 5 standard errors over 4,000 repeats."""
    rng = np.random.default_rng(0)
    outside = [p_value(x[0], x[1:], False) <= 0.05 for x in rng.normal(size=(4000, 80))]
    assert abs(np.mean(outside) - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 4000)
    null = np.arange(79.0)
    assert p_value(75.0, null, False) == 5 / 80
    assert p_value(75.5, null, False) == 4 / 80
    assert p_value(2.5, null, True) == 4 / 80
    assert p_value(np.nan, null, True) == p_value(np.nan, null, False) == 1 / 80  # no finite score is the worst
    assert p_value(1.0, np.ones(79), False) == 1  # a score that cannot vary is never outside


def test_the_interval_of_a_share():
    for k, n in ((0, 20), (1, 20), (13, 20), (20, 20)):
        expected = binomtest(k, n).proportion_ci(0.95, method="exact")
        assert binomial_interval(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_gross_faults_are_seen_and_the_truth_is_not_blamed(result):
    """Each null rate exceeds 3 of 6 at a true rate of 5 % once in 12,000 seeds."""
    assert next(iter(result.cases)) == "null"
    assert list(result.cells) == ["sliced_w2", "kl", "true_nll", "modes"]  # in the order of the leaderboard
    for metric, row in result.cells.items():
        assert row["null"].power <= 0.5, metric
    assert result.cells["kl"]["null"].mean == pytest.approx(0, abs=1e-12)
    for metric in ("sliced_w2", "kl", "modes"):
        assert result.cells[metric]["dropped mode"].power == 1
    assert result.cells["kl"]["dropped mode"].mean is None  # infinite
    assert result.cells["modes"]["dropped mode"].mean == 7
    assert result.cells["kl"]["copies"] is None  # which has no density
    assert result.cells["true_nll"]["variance collapse"].praised == 1
    assert result.cells["sliced_w2"]["mean shift"].exact > 0


def test_the_same_seed_gives_the_same_numbers(result):
    again = selftest(genbench.load_dataset("eight_gaussians"), "kl,modes", repeats=6, samples=400)
    for metric in ("kl", "modes"):
        assert again.cells[metric] == result.cells[metric]


def test_unknown_truth_and_small_numbers_are_refused():
    with pytest.raises(GenbenchError, match="truth of wine is unknown"):
        selftest(genbench.load_dataset("wine"))
    with pytest.raises(GenbenchError, match="samples=10 is too few"):
        selftest(genbench.load_dataset("moons"), samples=10)
    with pytest.raises(GenbenchError, match="no metric 'kll'"):
        selftest(genbench.load_dataset("moons"), "kll")


def test_the_command_prints_a_table_or_json():
    app = typer.Typer()
    app.command()(command)
    asked = ["--data", "moons[noise=0.2]", "--metrics", "true_nll,kl", "--repeats", "2", "--samples", "100", "--quiet"]
    shown = CliRunner().invoke(app, asked)
    assert shown.exit_code == 0, shown.output
    for text in ("true_nll", "variance collapse", "moons[noise=0.2]", "95 % interval"):
        assert text in shown.output
    found = json.loads(CliRunner().invoke(app, [*asked, "--format", "json"]).output)
    assert found["cells"]["kl"]["null"]["mean"] == pytest.approx(0, abs=1e-12)
    assert found["cells"]["kl"]["copies"] is None
    assert found["null_repeats"] == 79


def known(name, **params):
    dataset = genbench.load_dataset(name, **params)
    return dataset, {case.name: case for case in cases(dataset)}


def test_copies_are_training_points():
    dataset, found = known("moons")
    train = dataset.sample(100)
    assert {*map(tuple, found["copies"].draw(500, 0, train))} <= {*map(tuple, train)}


@pytest.mark.parametrize("fault", ["gaussian copula", "independent"])
def test_faults_of_dependence_keep_the_margins(fault):
    dataset, found = known("banana", dim=3)
    x, truth = found[fault].draw(20_000, 1, None), dataset.sample(20_000, seed=2)
    for column in range(3):  # level 1e-5 for each
        assert stats.ks_2samp(x[:, column], truth[:, column]).pvalue > 1e-5
    ranks = [stats.spearmanr(points).statistic for points in (x, truth)]
    wanted = ranks[1] if fault == "gaussian copula" else np.eye(3)
    # A Gaussian copula with the normal scores' correlation has the rank correlation of the truth to 0.05 or so.
    np.testing.assert_allclose(ranks[0], wanted, atol=0.08 if fault == "gaussian copula" else 0.035)
    bend = [np.corrcoef(points[:, 0] ** 2, points[:, 1])[0, 1] for points in (x, truth)]
    assert bend[1] > 0.9
    assert abs(bend[0]) < 0.2, "the parabola is gone"


def test_of_triples_every_pair_is_right():
    dataset, found = known("product", copies=4, seed=3)
    x = found["triples"].draw(20_000, 1, None)
    large = dataset.apart(dataset.sample(100_000, seed=9))
    signs = np.sign(dataset.apart(x)[:, :, 0] - np.median(large[:, :, 0], axis=0))
    assert signs[:, :3].prod(axis=1).mean() > 0.97, "but for the medians, which are of another sample"
    products = [signs[:, i] * signs[:, j] for i in range(4) for j in range(i)] + [signs[:, k] for k in range(4)]
    assert max(abs(one.mean()) for one in products) < 5 / np.sqrt(20_000)
    log_ratio = found["triples"].log_prob(x) - dataset.log_prob(x)
    np.testing.assert_allclose(log_ratio, np.log(2), atol=0.02)


def test_one_copy_is_a_gaussian_of_the_same_covariance():
    dataset, found = known("product", copies=3)
    x = dataset.apart(found["one copy replaced"].draw(20_000, 1, None))
    truth = dataset.apart(dataset.sample(20_000, seed=4))
    np.testing.assert_allclose(np.cov(x[:, 0].T), np.cov(truth[:, 0].T), atol=0.03)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(x[:, 0].T)), (x[:, 0] - x[:, 0].mean(axis=0)).T)
    assert stats.kstest((white**2).sum(axis=0), stats.chi2(2).cdf).pvalue > 1e-5
    assert stats.ks_2samp(x[:, 1, 0], truth[:, 1, 0]).pvalue > 1e-5


def test_what_is_thin_is_thickened():
    _, found = known("noisy", dim=4, noise=0.01)
    _, as_wide = known("noisy", dim=4, noise=0.011)
    x = found["thickened"].draw(1_000, 5, None)
    np.testing.assert_allclose(x, as_wide["null"].draw(1_000, 5, None), atol=1e-12)
    np.testing.assert_allclose(found["thickened"].log_prob(x), as_wide["null"].log_prob(x))


def test_faults_can_be_chosen():
    dataset, _ = known("moons")
    found = selftest(dataset, "ks", repeats=1, samples=50, null_repeats=19, faults=("independent",))
    assert [*found.cases] == ["null", "independent"]
    with pytest.raises(GenbenchError, match="moons has no fault 'triples'"):
        selftest(dataset, "ks", repeats=1, samples=50, null_repeats=19, faults=("triples",))
