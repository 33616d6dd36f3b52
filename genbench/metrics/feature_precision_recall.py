"""Precision and recall of images, in the features of a small classifier.

See Kynkäänniemi et al. (2019).
"""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.precision_recall import Manifolds, manifolds_of
from genbench.metrics.recognition import recognition

__all__ = ["feature_precision", "feature_recall"]


@register_metric("feature_precision", family="images", higher_is_better=True, needs=("labels",), order=142, costly=True)
def feature_precision(evidence: Evidence) -> Score:
    """`precision` in a classifier's features: share of samples in a ball around a test image."""
    return Score.mean((_manifolds(evidence).test_balls_per_sample > 0).astype(np.float64))


@register_metric("feature_recall", family="images", higher_is_better=True, needs=("labels",), order=143, costly=True)
def feature_recall(evidence: Evidence) -> Score:
    """`recall` in a classifier's features: share of test images in a ball around a sample."""
    return Score.mean((_manifolds(evidence).sample_balls_per_test > 0).astype(np.float64))


def _manifolds(evidence: Evidence) -> Manifolds:
    """Return the balls' counts in the features, for as many images as `precision` takes."""
    m, seen = evidence.searched, recognition(evidence)
    return evidence.once("feature manifolds", lambda: manifolds_of(seen.samples.features[:m], seen.test.features[:m]))
