"""Kullback–Leibler divergence from the truth to the model."""

from __future__ import annotations

from genbench.metric import Evidence, Score, register_metric
from genbench.metrics.log_density import mean_nats

__all__ = ["kl"]


@register_metric(
    "kl",
    family="likelihood",
    label="KL",
    unit="nats",
    needs=("density", "truth"),
    order=20,
    ratio=False,
    by_likelihood=True,
)
def kl(evidence: Evidence) -> Score:
    """KL(p_true ‖ p_model) = E log p_true − log p_model over the test points, in nats; 0 is perfect.

    The difference is taken point by point, so that the noise of the test split cancels: for the truth itself it is 0.
    """
    assert evidence.model_log_prob is not None
    score = mean_nats(
        evidence.true_log_prob - evidence.model_log_prob, "test points have density 0 (or infinity) under the model"
    )
    if score.standard_error is not None and score.value < -3 * score.standard_error - 1e-9:
        why = "the density is not normalised, or the model saw the test points"
        return score._replace(flag=f"kl is {score.value:.3g}, more than 3 s.e. below 0: {why}")
    return score
