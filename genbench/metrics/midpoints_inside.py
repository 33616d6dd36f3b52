"""Whether the middle of a path in latent space is where data are."""

from __future__ import annotations

import numpy as np

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.metric import Score, register_metric
from genbench.contracts.task_evidence import Paths
from genbench.core.types import Array

__all__ = ["midpoints_inside", "straight_inside"]

OUTSIDE = 0.05  # share of true points that lie below the level; the usual 5 %


@register_metric(
    "midpoints_inside",
    family="interpolation",
    label="midpoints inside",
    higher_is_better=True,
    needs=("true_density",),
    order=10,
    task="interpolate",
    main=True,
)
def midpoints_inside(evidence: Paths) -> Score:
    """Share of paths whose midpoint decodes to a point of high true density.

    The midpoint is in latent space. High means above the level that 95 % of data exceed. New data would score 0.95.
    Errors of the model's own points, and the distance between the ends, also affect the score.
    """
    return _inside(evidence, evidence.latent)


@register_metric(
    "straight_inside",
    family="interpolation",
    label="straight midpoints inside",
    higher_is_better=True,
    needs=("true_density",),
    order=12,
    task="interpolate",
    main=True,
)
def straight_inside(evidence: Paths) -> Score:
    """The same for midpoints of straight lines between the same points: the baseline.

    It is the baseline of `midpoints_inside`; the points are data.
    """
    return _inside(evidence, evidence.straight)


def _inside(evidence: Paths, paths: Array) -> Score:
    dataset = evidence.dataset
    assert isinstance(dataset, SyntheticDataset)
    level = np.quantile(dataset.log_prob(evidence.truth.reshape(-1, *dataset.shape)), OUTSIDE)
    midpoints = paths[:, paths.shape[1] // 2].reshape(-1, *dataset.shape)
    return Score.mean((dataset.log_prob(midpoints) >= level).astype(float))
