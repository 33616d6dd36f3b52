"""Fisher divergence: how far the model's gradient of log p is from the truth's, where the truth's points lie."""

from __future__ import annotations

import numpy as np

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric

__all__ = ["fisher"]


@register_metric("fisher", family="likelihood", label="Fisher", needs=("score", "true_score"), order=74, variant=True)
def fisher(evidence: Evidence) -> Score:
    """Mean of ‖∇ log p_model − ∇ log p_true‖² over test points, in squared nats per squared unit of the data.

    It is what score matching minimises (Hyvärinen 2005, eq. 2), for models that know their score: those of exact
    densities, and the diffusion models, which know it with a noise of 2 % of a standard deviation. It does not see
    the weights of modes far apart, and counts most where the truth is thin. 0 for a perfect model, to the rounding of
    the truth's own gradient.
    """
    own, dataset = evidence.model_score, evidence.dataset
    assert own is not None
    assert isinstance(dataset, SyntheticDataset)
    x = evidence.test[: len(own)]
    true = dataset.score(x.reshape(-1, *dataset.shape)).reshape(x.shape)
    return Score.mean(np.square(own - true).sum(axis=1))
