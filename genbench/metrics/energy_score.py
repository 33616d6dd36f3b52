"""How well draws of missing coordinates predict their true values."""

from __future__ import annotations

import numpy as np

from genbench.contracts.metric import Score, register_metric
from genbench.contracts.task_evidence import Gap, Gaps
from genbench.core.types import Array

__all__ = ["energy_score"]


@register_metric(
    "energy_score", family="imputation", label="energy score", unit="data units", order=12, task="impute", main=True
)
def energy_score(evidence: Gaps) -> Score:
    """Mean over test points of E‖X − y‖ − ½ E‖X − X′‖: y is the truth, X and X′ are draws.

    It is a proper score (Gneiting & Raftery 2007, eq. 22): the true conditional distribution has the best expected
    score. For one missing coordinate it is the CRPS.
    """
    return Score.mean(np.concatenate([_scores(gap) for gap in evidence.gaps]))


def _scores(gap: Gap) -> Array:
    """Return the score of each test point [m]; draws n/2 apart in their list are the pairs X, X′."""
    truth = gap.points[:, ~gap.known]
    miss = np.linalg.norm(gap.draws - truth[:, None], axis=2).mean(axis=1)
    spread = np.linalg.norm(gap.draws - np.roll(gap.draws, gap.draws.shape[1] // 2, axis=1), axis=2).mean(axis=1)
    scores: Array = miss - 0.5 * spread
    return scores
