"""The distance of samples to the validation split.

Models without a density are tuned by it.
"""

from __future__ import annotations

from genbench.contracts.metric import register_metric
from genbench.contracts.task_evidence import Validation
from genbench.metrics.sliced_w2 import directions, sliced_wasserstein

__all__ = ["validation_sliced_w2"]

PROJECTIONS = 100  # as of `sliced_w2`


@register_metric(
    "validation_sliced_w2",
    family="validation",
    label="validation sliced W2",
    unit="standard deviations",
    needs=("samples",),
    order=11,
    ratio=False,
    task="validate",
    main=True,
)
def validation_sliced_w2(evidence: Validation) -> float:
    """Sliced W2 between samples and validation points, in training standard deviations.

    There are as many samples as validation points.
    """
    assert evidence.samples is not None
    x, y = evidence.samples, evidence.observed
    return sliced_wasserstein(x, y, directions(x.shape[1], PROJECTIONS, evidence.rng("sliced_w2")))
