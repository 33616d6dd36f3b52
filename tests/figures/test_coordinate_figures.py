"""Figures that hold samples against test points: by coordinate, by pair, by density; their data are the scores'."""

import numpy as np
import pytest
from scipy.stats import chi2, norm

import genbench
from genbench.core.errors import GenbenchError
from genbench.figures import calibration, draw, pairs, save
from genbench.figures.calibration import LEVELS, excess, ranks, region_levels
from genbench.figures.shared.coordinates import Compared, chance, column_names, compared
from genbench.metrics.ks import kolmogorov_smirnov

HEADINGS = ("height", "$cost$", "a heading of more than thirty letters", "age", "width", "depth", "4", "mass")
MIXTURE = "gaussian_mixture[dim=4]"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A table of eight columns, of which one has two modes, and a mixture in four dimensions whose density is known."""
    folder = tmp_path_factory.mktemp("coordinates")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 8)) @ rng.normal(size=(8, 8))
    rows[:, 3] = np.where(rng.random(400) < 0.5, -4, 4) + 0.1 * rng.normal(size=400)
    file = folder / "eight.csv"
    np.savetxt(file, rows, delimiter=",", header=",".join(HEADINGS), comments="", fmt="%.5f")
    return genbench.run(
        "gmm,gaussian", f"{file},{MIXTURE}", seeds=1, metrics="ks,kl,calibration", budget="smoke", train=300,
        samples=300, results=folder, name="c", jobs=0, progress=False, say=lambda _: None,
    )  # fmt: skip


def trial_of(run, model, dataset):
    return next(trial for trial in run.trials if (trial.model, trial.dataset) == (model, dataset))


def leader(run, dataset):
    return next(row.model for row in run.leaderboard().rows if row.dataset == dataset and row.role == "model")


def test_marginals_are_of_the_leader_and_their_worst_distance_is_its_score(run):
    figure = draw(run, "marginals", "eight.csv")["marginals-eight.csv"]
    model = leader(run, "eight.csv")
    assert set(figure.data["points of"]) == {"truth", model}
    by_coordinate = figure.data.groupby("coordinate", sort=False)
    assert sorted(by_coordinate.groups) == sorted(HEADINGS)
    distances = by_coordinate["ks"].first()
    assert distances.iloc[0] == pytest.approx(trial_of(run, model, "eight.csv").metrics["ks"], abs=1e-12)
    assert (distances.diff().dropna() <= 0).all()
    for name, part in by_coordinate:
        shares = part.pivot_table(index="value", columns="points of", values="share")
        assert (shares["truth"] - shares[model]).abs().max() == pytest.approx(distances[name], abs=1e-12)
    titles = [panel.get_title() for panel in figure.axes if panel.axison]
    assert titles[0].endswith(f"KS {distances.iloc[0]:.3f}")


def test_coordinates_are_chosen_by_name_or_number(run):
    figure = run.plot("pairs", "eight.csv", coordinates=["width", 1, "4"])
    assert list(figure.data)[:3] == ["width", "height", "4"], "4 is the heading of the seventh"
    assert [panel.get_xlabel() for panel in figure.axes[6:9]] == ["width", "height", "4"]
    assert set(run.plot("marginals", "eight.csv", coordinates=["age"]).data["coordinate"]) == {"age"}
    with pytest.raises(GenbenchError, match="no coordinate 'agee' of eight.csv.*did you mean age"):
        run.plot("pairs", "eight.csv", coordinates=["height", "agee"])
    with pytest.raises(GenbenchError, match="numbers from 1 to 4"):
        run.plot("pairs", MIXTURE, coordinates=[1, 5])
    with pytest.raises(GenbenchError, match="2 to 12 coordinates, and 1"):
        run.plot("pairs", MIXTURE, coordinates=[1])
    said = []
    assert save(run, ["pairs"], dataset=MIXTURE, coordinates=["x7"], say=said.append) == []
    assert len(said) == 1
    assert said[0].startswith(f"figure pairs was left out: no coordinate 'x7' of {MIXTURE}: give names, or numbers")


def test_pairs_show_the_worst_coordinates_of_the_leader_or_all_of_the_models_that_are_chosen(run):
    shown = list(run.plot("pairs", "eight.csv").data)[:-1]
    (one,) = compared(run.only("eight.csv"), "eight.csv")
    assert one.trial.model == leader(run, "eight.csv") == "gmm", "and not the control"
    assert shown == [HEADINGS[i] for i in sorted(np.argsort(-one.distances)[: pairs.MOST])]
    chosen = draw(run, "pairs", MIXTURE, models=["gmm", "gaussian"], coordinates=[2, 4])
    assert set(chosen) == {f"pairs-{MIXTURE}-gmm", f"pairs-{MIXTURE}-gaussian"}
    data = chosen[f"pairs-{MIXTURE}-gmm"].data
    assert list(data) == ["x2", "x4", "points of"]
    stored = run.samples(trial_of(run, "gmm", MIXTURE).key)[: pairs.POINTS, [1, 3]]
    its = data.loc[data["points of"] == "gmm", ["x2", "x4"]].to_numpy()
    np.testing.assert_array_equal(np.sort(its, axis=0), np.sort(stored, axis=0))


def test_the_surplus_of_a_cell_is_the_test_of_two_proportions():
    truth = np.repeat([[0.5, 0.5], [1.5, 0.5]], (60, 40), axis=0)
    samples = np.repeat([[0.5, 0.5], [1.5, 1.5], [9.0, 9.0]], (20, 20, 10), axis=0)
    z = pairs.surplus(truth, samples, np.arange(3.0), np.arange(3.0))
    p = 80 / 150
    assert z[0, 0] == pytest.approx((20 / 50 - 60 / 100) / np.sqrt(p * (1 - p) * (1 / 100 + 1 / 50)))
    assert z[0, 1] < 0 < z[1, 1]
    assert z[1, 0] == 0
    few = pairs.surplus(truth[::20], samples[::20], np.arange(3.0), np.arange(3.0))
    assert not few.any(), "three points differ from five by chance"
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(n, 2)) for n in (4000, 8000))
    edges = np.linspace(-1, 1, 11)
    assert pairs.surplus(x, y, edges, edges).std() == pytest.approx(1, abs=0.15), "where nothing differs it is noise"


def test_chance_is_kolmogorovs_quantile_and_is_exceeded_as_often_as_said():
    assert chance(100, 100) == pytest.approx(1.3581 * np.sqrt(2 / 100), rel=1e-4)
    assert chance(100, 10**9) == pytest.approx(1.3581 / 10, rel=1e-4)
    rng = np.random.default_rng(0)
    far = [kolmogorov_smirnov(rng.normal(size=500), rng.normal(size=700)) > chance(500, 700) for _ in range(600)]
    assert 0.025 < np.mean(far) < 0.075
    far = [
        max(kolmogorov_smirnov(*rng.normal(size=(2, 500))) for _ in range(8)) > chance(500, 500, looked_at=8)
        for _ in range(200)
    ]
    assert 0.01 < np.mean(far) < 0.1


def test_columns_have_their_names_and_steps_their_numbers(run):
    assert column_names(genbench.load_dataset("wine"), 13)[:2] == ("alcohol", "malic_acid")
    assert column_names(genbench.load_dataset("airline"), 13)[-1] == "step 13"
    assert column_names(genbench.load_dataset("moons"), 2) == ("x1", "x2")
    assert column_names(None, 2) == ("x1", "x2")
    one = Compared(run.trials[0], ("a", "2", "c"), np.zeros((2, 3)), np.zeros((2, 3)))
    assert one.asked(["2", "3", "c", "1"]) == [1, 2, 0]


def test_regions_of_a_model_twice_as_wide_hold_what_the_chi_square_law_says():
    """The α-region of N(0, 4) in d dimensions is |x|² ≤ 4 q(α); N(0, 1) has F(4 q(α)) of its mass there."""
    rng = np.random.default_rng(0)
    for d in (1, 3):
        test, own = (scale * rng.normal(size=(100_000, d)) for scale in (1, 2))
        u = region_levels(*(-(x**2).sum(axis=1) / 8 for x in (test, own)))
        law = chi2.cdf(4 * chi2.ppf(LEVELS, d), d)
        np.testing.assert_allclose(excess(u) + LEVELS, law, atol=0.012)
    pit = ranks(test[:, 0], own[:, 0])
    np.testing.assert_allclose(excess(pit) + LEVELS, norm.cdf(2 * norm.ppf(LEVELS)), atol=0.012)


def test_a_model_that_equals_the_truth_leaves_the_band_as_often_as_said():
    rng = np.random.default_rng(1)
    band = chance(400, 300)
    for level in (region_levels, ranks):
        left = [np.abs(excess(level(rng.normal(size=400), rng.normal(size=300)))).max() > band for _ in range(800)]
        assert 0.015 < np.mean(left) < 0.06


def test_the_largest_excess_is_the_score_of_the_leaderboard(run):
    figure = draw(run, "calibration", MIXTURE)[f"calibration-{MIXTURE}"]
    data = figure.data[figure.data["curve"] == calibration.REGIONS]
    assert set(data["model"]) == {"oracle", "gmm", "gaussian"}
    for model, part in data.groupby("model"):
        score = trial_of(run, model, MIXTURE).metrics["calibration"]
        assert part["excess"].abs().max() == pytest.approx(score, abs=0.01), "between two levels it may be larger"
    coordinates = set(figure.data["curve"]) - {calibration.REGIONS}
    assert len(coordinates) == calibration.COORDINATES
    assert coordinates < {"x1", "x2", "x3", "x4"}


def test_the_mean_residual_is_minus_kl(run):
    (figure,) = draw(run, "residual").values()
    means = figure.data.groupby("model")["residual"].mean()
    assert set(means.index) == {"gmm", "gaussian"}
    for model, mean in means.items():
        kl = trial_of(run, model, MIXTURE).metrics["kl"]
        spread = figure.data.loc[figure.data["model"] == model, "residual"].std()
        assert -mean == pytest.approx(kl, abs=4 * spread / np.sqrt(4000))
