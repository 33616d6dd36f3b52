"""Filling gaps: exact conditionals against closed forms, every way against the exact conditional."""

import numpy as np
import pytest
import torch
from scipy.stats import norm, wasserstein_distance

import genbench
from genbench.contracts.metric import select_metrics
from genbench.contracts.task_evidence import Gap, Gaps
from genbench.core.errors import GenbenchError
from genbench.core.registry import discover
from genbench.downstream.imputation import fill, way_of
from genbench.evaluation.evaluator import evaluate
from genbench.figures import save
from genbench.nn.repaint import Level, repaint
from genbench.numerics.conditional_gaussian import conditional_gaussian
from genbench.numerics.line_conditionals import conditional_of

discover()
FIRST, SECOND = np.array([True, False]), np.array([False, True])
UNIFORM = (np.arange(2000) + 0.5) / 2000


def line(dataset, x):
    return conditional_of(dataset.log_prob, dataset.reference(20_000, 0), x, 0)


def test_the_exact_conditional_of_a_banana():
    """x₂ | x₁ ~ N(curvature (x₁² − scale²), width²): quantiles to a thousandth of the width."""
    banana = genbench.load_dataset("banana")
    x = banana.sample(20, seed=3)
    found = line(banana, x).quantiles(np.broadcast_to([0.001, 0.1, 0.5, 0.9, 0.999], (20, 5)))
    expected = norm.ppf([0.001, 0.1, 0.5, 0.9, 0.999])[None] * 0.5 + 0.5 * (x[:, :1] ** 2 - 4)
    np.testing.assert_allclose(found, expected, atol=5e-4)


def test_the_exact_conditional_of_a_funnel_of_any_width():
    """x₂ | v ~ N(0, eᵛ), over eight powers of ten: the grid closes in on what is narrow and keeps what is wide."""
    funnel = genbench.load_dataset("funnel")
    x = np.array([[-9.0, 0.0], [0.0, 0.0], [7.0, 0.0]])
    found = line(funnel, x).quantiles(np.broadcast_to([0.05, 0.5, 0.95], (3, 3)))
    expected = norm.ppf([0.05, 0.5, 0.95])[None] * np.exp(x[:, :1] / 2)
    np.testing.assert_allclose(found / np.exp(x[:, :1] / 2), expected / np.exp(x[:, :1] / 2), atol=5e-3)


def test_w1_is_scipys():
    """Against so many quantiles that their own distance from the normal is a thousandth."""
    gaussian = genbench.load_dataset("stretched_gaussian", long=1.0, short=1.0)
    exact = line(gaussian, np.zeros((1, 2)))
    draws = np.random.default_rng(0).normal(0.3, 1.2, (1, 50))
    expected = wasserstein_distance(draws[0], norm.ppf((np.arange(200_000) + 0.5) / 200_000))
    assert exact.w1(draws)[0] == pytest.approx(expected, rel=5e-3)


def test_conditional_of_a_gaussian_by_its_precision():
    """Σ_uu − Σ_uk Σ_kk⁻¹ Σ_ku = (Λ_uu)⁻¹ and gain = −Λ_uu⁻¹ Λ_uk (Bishop 2006, eq. 2.73 and 2.75)."""
    a = np.random.default_rng(0).normal(size=(5, 5))
    covariance, known = a @ a.T + np.eye(5), np.array([True, False, True, False, False])
    precision = np.linalg.inv(covariance)
    part = conditional_gaussian(covariance, known)
    inner = np.linalg.inv(precision[np.ix_(~known, ~known)])
    np.testing.assert_allclose(part.root @ part.root.T, inner, atol=1e-10)
    np.testing.assert_allclose(part.gain, -inner @ precision[np.ix_(~known, known)], atol=1e-10)


@pytest.mark.parametrize("name", ["gaussian", "ar_gaussian", "gmm", "kde"])
@pytest.mark.parametrize("known", [FIRST, SECOND], ids=["first", "second"])
def test_exact_models_fill_as_their_own_density_says(name, known):
    """Draws against the inverse distribution function of the model's own density along the missing coordinate.

    The W1 of 2000 draws from their own law is about 0.8 σ / √2000 = 0.02 σ; 0.1 σ is far outside of chance.
    """
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal([0, 0], [1, 0.3], (300, 2)), rng.normal([2, 3], [0.4, 1], (200, 2))])
    model = genbench.load_model(name, **({"components": 2} if name == "gmm" else {})).fit(x)
    point = np.array([[0.5, 0.5]])
    filled = fill(model, point, known, 2000, seed=1)
    assert filled.way == "exact"
    missing = int(known[0])  # index of the coordinate that is not known
    assert (filled.x[..., 1 - missing] == 0.5).all()
    line = np.linspace(-8, 10, 20_001)
    points = np.full((len(line), 2), 0.5)
    points[:, missing] = line
    p = np.exp(model.log_prob(points))
    quantiles = np.interp(UNIFORM, np.cumsum(p) / p.sum(), line)
    draws = np.sort(filled.x[0, :, missing])
    assert np.abs(draws - quantiles).mean() < 0.1 * quantiles.std()


def test_autoregressive_models_fill_in_their_order():
    x = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 2000)
    model = genbench.load_model("ar", hidden=16, components=2).fit(x, budget="150")
    assert fill(model, x[:3], FIRST, 5).way == "exact"
    assert fill(model, x[:3], SECOND, 5).way == "importance"
    filled = fill(model, np.array([[1.0, 0.0]]), FIRST, 2000)
    assert filled.x[0, :, 1].mean() == pytest.approx(0.9, abs=0.1)  # E[x₂ | x₁ = 1], learnt in 150 steps
    assert filled.x[0, :, 1].std() == pytest.approx(0.436, abs=0.08)


def test_autoregressive_models_fill_the_lower_half_of_a_picture():
    """What is given stays, bit for bit; what is drawn differs from draw to draw."""
    digits = genbench.load_dataset("digits")
    x = digits.splits(0).train[:64]
    model = genbench.load_model("ar", hidden=8, depth=1).fit(x, budget="3", **digits.traits)
    known = np.zeros((1, 8, 8), dtype=bool)
    known[:, :4] = True
    filled = fill(model, x[:2], known, 3)
    assert (filled.way, filled.x.shape) == ("exact", (2, 3, 1, 8, 8))
    assert (filled.x[:, :, :, :4] == x[:2, None, :, :4]).all()
    assert (filled.x[:, 0, :, 4:] != filled.x[:, 1, :, 4:]).any()
    assert fill(model, x[:2], ~known, 3).way == "importance"


class GaussianLevels:
    """The exact denoiser of N(0, Σ), on the path x_t = cos t x + sin t ε."""

    repaintable = True

    def __init__(self, covariance):
        self.covariance = torch.tensor(covariance, dtype=torch.float64)

    def noise_grid(self, steps):
        angles = torch.linspace(np.pi / 2, 0, steps + 1, dtype=torch.float64)
        return [Level(*level) for level in zip(angles, angles.cos(), angles.sin(), strict=True)]

    def ends(self, x, t):
        noised = t.cos() ** 2 * self.covariance + t.sin() ** 2 * torch.eye(2, dtype=torch.float64)
        data = t.cos() * x @ torch.linalg.solve(noised, self.covariance)
        return data, t.sin() * torch.linalg.solve(noised, x.T).T


def test_repetitions_teach_guidance_the_correlation():
    """x₂ | x₁ = 1.5 ~ N(0.9 · 1.5, 1 − 0.9²): replacement alone misses it, repeated steps come near.

    4000 draws know their mean to 0.007, so that 0.12 is seventeen standard errors, and the bias of what is left.
    """
    torch.manual_seed(0)
    model, x = GaussianLevels([[1, 0.9], [0.9, 1]]), torch.zeros(4000, 2, dtype=torch.float64)
    x[:, 0] = 1.5
    known = torch.tensor([True, False])
    alone, repeated = (repaint(model, x, known, 40, repeats) for repeats in (1, 16))
    assert (repeated[:, 0] == 1.5).all()
    assert abs(repeated[:, 1].mean() - 1.35) < 0.12 < abs(alone[:, 1].mean() - 1.35)
    assert repeated[:, 1].std() == pytest.approx(0.436, abs=0.12)


def test_importance_corrects_the_neighbourhood():
    """Nearest samples alone smear the conditional over the neighbourhood; with weights they follow it.

    A Gaussian of correlation 0.995 whose neighbourhood is wide: 800 of 800 samples. σ of x₂ given x₁ is 0.1.
    """
    x = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.995], [0.995, 1]], 3000)
    exact = genbench.load_model("gaussian").fit(x)
    from genbench.downstream.imputation import _resampled

    point, known = np.array([[0.7, 0.0]]), FIRST
    weighed, _ = _resampled(exact, point, known, 500, 0, weigh=True)
    nearest, _ = _resampled(exact, point, known, 10_000 // 2, 0, weigh=False)
    assert weighed[0, :, 1].std() == pytest.approx(0.1, rel=0.2)
    assert weighed[0, :, 1].mean() == pytest.approx(0.6965, abs=0.03)
    assert nearest[0, :, 1].std() > 0.5


@pytest.mark.parametrize(
    ("name", "params", "way"),
    [
        ("gaussian", {}, "exact"),
        ("cfm", {}, "guided"),
        ("ddpm", {}, "guided"),
        ("edm", {}, "guided"),
        ("ot_cfm", {}, "importance"),
        ("cfm", {"source": "moons"}, "importance"),
        ("rectified_flow", {}, "importance"),
        ("coupling_flow", {}, "importance"),
        ("gan", {}, "nearest"),
    ],
)
def test_the_way_of_each_model(name, params, way):
    model = genbench.load_model(name, **params)
    assert way_of(model.model, model.card.likelihood) == way


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("cfm", {}),
        ("ddpm", {}),
        ("edm", {}),
        ("ot_cfm", {"density_steps": 3}),
        ("vae", {"importance_samples": 5}),
        ("gan", {}),
    ],
)
def test_every_way_keeps_what_is_known(name, params):
    x = np.random.default_rng(0).normal(size=(300, 2))
    model = genbench.load_model(name, **params).fit(x, budget="5")
    filled = fill(model, x[:4], SECOND, 6)
    assert filled.x.shape == (4, 6, 2)
    assert (filled.x[:, :, 1] == x[:4, None, 1]).all()
    assert np.isfinite(filled.x).all()
    assert len(np.unique(filled.x[0, :, 0])) > 1


def test_masks_that_leave_nothing_to_do_are_refused():
    x = np.random.default_rng(0).normal(size=(50, 2))
    model = genbench.load_model("gaussian").fit(x)
    for known in ([True, True], [False, False], [True, False, True]):
        with pytest.raises(GenbenchError, match="give a mask of that shape"):
            fill(model, x, np.array(known), 5)


def test_the_energy_score_is_the_crps_and_finds_the_truth():
    """CRPS of N(0, 1) at y: y (2Φ(y) − 1) + 2φ(y) − 1/√π (Gneiting & Raftery 2007, eq. 21), to the error of 20,000 draws."""
    rng, y = np.random.default_rng(0), np.array([-1.0, 0.0, 2.0])
    points = np.stack([np.zeros(3), y], axis=1)
    crps = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)
    moons = genbench.load_dataset("moons")
    names = [card.name for card in select_metrics("all", "impute")]

    def score(std):
        gaps = [Gap(FIRST, points, std * rng.normal(size=(3, 20_000, 1)))]
        return evaluate(Gaps(moons, 0, gaps), names).metrics

    assert score(1.0)["energy_score"] == pytest.approx(crps.mean(), abs=0.02)
    assert score(1.0)["conditional_w1"] is None  # the truth is not known here
    assert score(3.0)["energy_score"] > crps.mean()


def test_the_task_from_plan_to_table(tmp_path):
    """The exact model of a Gaussian is as near to the exact conditionals as draws from them; nearest samples are not."""
    run = genbench.run(
        "gaussian,memoriser", "stretched_gaussian", 1, "smoke", task="impute", train=5000, results=tmp_path, jobs=0,
        progress=False, say=lambda line: None,
    )  # fmt: skip
    rows = {row.model: row for row in run.leaderboard().rows}
    ratios = {name: row.metrics["conditional_w1"].ratio for name, row in rows.items()}
    assert ratios["oracle"] == 1
    assert ratios["gaussian"] < 1.15
    assert ratios["memoriser"] > ratios["gaussian"]
    assert [file.name for file in save(run, ["gaps"])] == ["gaps.png"]
    arrays = run.store.arrays(run.trials[-1].key)
    data = (figure := run.plot("gaps")).data
    assert "60 draws" in " ".join(figure.get_suptitle().split())
    assert (data.groupby(["model", "given"]).size() == 60).all()
    its, given = data[data["model"] == run.trials[-1].model], arrays["points_0"][:, 0]
    for place, draws in its.groupby("given")["drawn"]:
        np.testing.assert_array_equal(draws, arrays["draws_0"][np.flatnonzero(given == place)[0], :60, 0])
    assert arrays["draws_0"].shape == (60, 200, 1)


def test_a_task_without_truth_has_no_oracle(tmp_path):
    run = genbench.run(
        "gaussian", "wine", 1, "smoke", task="impute", results=tmp_path, jobs=0, progress=False, say=lambda line: None
    )
    (row,) = run.leaderboard().rows
    assert row.metrics["conditional_w1"] is None
    assert row.metrics["energy_score"].mean > 0
