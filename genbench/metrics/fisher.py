"""Fisher divergence: how far the model's ∇ log p is from the truth's, at test points."""

from __future__ import annotations

import numpy as np

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric

__all__ = ["fisher"]


@register_metric("fisher", family="likelihood", label="Fisher", needs=("score", "true_score"), order=74, variant=True)
def fisher(evidence: Evidence) -> Score:
    """Mean of ‖∇ log p_model − ∇ log p_true‖² over test points.

    It is in squared nats per squared unit of the data.

    Score matching minimises it (Hyvärinen 2005, eq. 2). It is available for models that can compute their score: those
    with exact densities, and diffusion models, whose score has a noise of 2 % of a standard deviation. It does not
    detect wrong weights of modes that are far apart, and it counts most where the truth is thin. A perfect model gets
    0, up to rounding of the true gradient.
    """
    own, dataset = evidence.model_score, evidence.dataset
    assert own is not None
    assert isinstance(dataset, SyntheticDataset)
    x = evidence.test[: len(own)]
    true = dataset.score(x.reshape(-1, *dataset.shape)).reshape(x.shape)
    return Score.mean(np.square(own - true).sum(axis=1))
