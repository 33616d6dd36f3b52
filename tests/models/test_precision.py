"""Losses in bfloat16: every torch model trains with every optimiser."""

import numpy as np
import pytest

import genbench
from genbench.contracts.evidence import Evidence, Protocol
from genbench.contracts.model import MODELS
from genbench.core.registry import discover
from genbench.evaluation.evaluator import evaluate

discover()
OURS = [card for card in MODELS.cards.values() if card.file.parent.name == "models"]
TORCH = sorted(card.name for card in OURS if card.is_torch and "points" in card.kinds)


def trained(name, budget, n=2_000, **params):
    data = genbench.load_dataset("moons")
    return genbench.load_model(name, **params).fit(data.sample(n, seed=1), budget=budget), data


@pytest.mark.parametrize("name", ["cfm", "ddpm", "ot_cfm", "spline_flow", "gan"])
def test_with_its_own_optimiser(name):
    """Which is SOAP in the plane. After few steps the model is much like that of float32."""
    (half, data), (single, _) = (trained(name, "15", precision=precision) for precision in ("bfloat16", "float32"))
    x = half.sample(500)
    assert np.isfinite(x).all()
    assert x.std(axis=0) == pytest.approx(single.sample(500).std(axis=0), rel=0.1)
    if half.likelihood != "none":
        points = data.sample(50, seed=2)
        assert half.log_prob(points).mean() == pytest.approx(single.log_prob(points).mean(), abs=0.7)


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", ["adamw", "soap", "muon"])
@pytest.mark.parametrize("name", TORCH)
def test_with_every_optimiser(name, optimiser):
    model, data = trained(name, "12", precision="bfloat16", optimiser=optimiser)
    assert np.isfinite(model.sample(100)).all()
    if model.likelihood != "none":
        assert np.isfinite(model.log_prob(data.sample(20, seed=2))).all()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("cfm", 0.03), ("ddpm", 0.03), ("ot_cfm", 0.03), ("spline_flow", 0.03)])
def test_scores_after_a_thousand_steps(name, most):
    """Sliced W2 on moons: 0.007 to 0.017 in float32, 0.013 to 0.017 in bfloat16, where the untrained model has 0.2.

    Of 20,000 points; of 2,000 it is up to 0.032, with either precision.
    """
    model, data = trained(name, "1000", n=20_000, precision="bfloat16")
    evidence = Evidence(data, model.sample(10_000), data.sample(10_000, seed=3), None, 0, Protocol(10_000))
    assert evaluate(evidence, ["sliced_w2"]).metrics["sliced_w2"] < most
