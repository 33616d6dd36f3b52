"""Fisher divergence against its closed form, and the scores of models against differences of their densities."""

import numpy as np
import pytest

import genbench
from genbench import load_dataset, load_model
from genbench.contracts.evidence import Evidence
from genbench.core.errors import GenbenchError
from genbench.metrics.fisher import fisher


@pytest.mark.parametrize("scale", [1.0, 0.8])
def test_of_a_gaussian_against_another(scale):
    """For N(μ, Σ) and N(μ + δ, s² Σ) the scores differ by Σ⁻¹ ((1 − s⁻²)(x − μ) + s⁻² δ)."""
    dataset = load_dataset("stretched_gaussian")
    test = dataset.sample(20_000, seed=1)
    large = dataset.sample(200_000, seed=2)
    mean, inverse = large.mean(axis=0), np.linalg.inv(np.cov(large.T))
    delta = np.array([0.1, -0.2])
    own = -(test - mean - delta) @ inverse / scale**2
    expected = (1 - scale**-2) ** 2 * np.trace(inverse) + np.square(inverse @ delta).sum() / scale**4
    found = fisher(Evidence(dataset, test, test, None, seed=0, model_score=own))
    # Mean and covariance of 200,000 points are 0.5 % off, the mean over 20,000 test points 1 to 2 %.
    assert found.value == pytest.approx(expected, rel=0.06)
    assert found.standard_error < 0.03 * found.value


@pytest.mark.parametrize("name", ["gaussian", "gmm", "kde[bandwidth=0.3]", "coupling_flow", "maf", "spline_flow", "ar"])
def test_a_model_knows_the_slope_of_its_density(name):
    moons = load_dataset("moons")
    selection, x = name.partition("["), moons.sample(50, seed=5)
    parameters = {"bandwidth": 0.3} if selection[1] else {}
    model = load_model(selection[0], **parameters).fit(moons.sample(1_000), budget="20")
    steps = 1e-2 * np.eye(2)  # log p of the flows is single precision
    slopes = np.stack([(model.log_prob(x + s) - model.log_prob(x - s)) / 2e-2 for s in steps], axis=1)
    right = np.isclose(model.score(x), slopes, atol=0.05 * np.abs(slopes).max())
    assert right.mean() > 0.95, "all but at the knots of splines"


@pytest.mark.slow
def test_a_diffusion_model_knows_it_too():
    """Trained on a Gaussian, whose score is a straight line."""
    dataset = load_dataset("stretched_gaussian")
    model = load_model("ddpm").fit(dataset.sample(10_000), budget="2000")
    x = dataset.sample(2_000, seed=1)
    found = fisher(Evidence(dataset, x, x, None, seed=0, model_score=model.score(x)))
    size = np.square(dataset.score(x)).sum(axis=1).mean()
    assert found.value < 0.1 * size


def test_in_a_run(tmp_path):
    """Only where it is asked for, of models that know their score; the oracle's is right to rounding."""
    models = "gaussian,coupling_flow,vae"
    run = genbench.run(models, "moons", seeds=1, budget="smoke", metrics="fisher,sliced_w2", results=tmp_path)
    found = {trial.model: trial.metrics for trial in run.trials}
    assert found["oracle"]["fisher"] < 1e-6
    assert found["gaussian"]["fisher"] > 1
    assert found["coupling_flow"]["fisher"] > 0
    assert found["vae"]["fisher"] is None
    with pytest.raises(GenbenchError, match="does not know its score"):
        load_model("vae").fit(load_dataset("moons").sample(500), budget="1").score(np.zeros((1, 2)))
