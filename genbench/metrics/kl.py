"""Kullback–Leibler divergence from the truth to the model."""

from __future__ import annotations

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.log_density import mean_nats, weight_above_1

__all__ = ["kl"]


@register_metric(
    "kl",
    family="likelihood",
    label="KL",
    unit="nats",
    needs=("density", "true_density"),
    order=20,
    ratio=False,
    by_likelihood=True,
    main=True,
)
def kl(evidence: Evidence) -> Score:
    """KL(p_true ‖ p_model) = E log p_true − log p_model over the test points, in nats.

    0 is perfect. The difference is computed for each point, so that the noise of the test split cancels: for the truth
    itself it is 0. An exact density that integrates to more than 1 is flagged: E p_model / p_true = ∫ p_model over the
    support.
    """
    assert evidence.model_log_prob is not None
    log_ratio = evidence.model_log_prob - evidence.true_log_prob
    score = mean_nats(-log_ratio, "test points have density 0 (or infinity) under the model")
    flags = [score.flag] if score.flag else []
    if score.standard_error is not None and score.value < -3 * score.standard_error - 1e-9:
        why = "the density is not normalised, or the model saw the test points"
        flags.append(f"kl is {score.value:.3g}, more than 3 s.e. below 0: {why}")
    mass = weight_above_1(log_ratio) if evidence.likelihood == "exact" else None
    if mass is not None:
        flags.append(f"the model's density integrates to at least {mass:.3g}: it is not normalised")
    return score._replace(flag="; ".join(flags) or None)
