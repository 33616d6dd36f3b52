"""The Fréchet distance between samples and test images, in a small classifier's features."""

from __future__ import annotations

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.metrics.frechet import frechet_of
from genbench.metrics.recognition import recognition

__all__ = ["fid"]


@register_metric(
    "fid", family="images", label="classifier FID", unit="features²", needs=("labels",), order=5, main=True
)
def fid(evidence: Evidence) -> float:
    """Squared Fréchet distance between Gaussians fitted to features of samples and images.

    It uses all samples and all test images. It is the FID of Heusel et al. (2017, eq. 6) with 64 features of a
    classifier of this dataset in place of 2,048 of an Inception network, so it cannot be compared with FIDs of papers.
    Even two sets of real images have a distance above 0, which is larger for fewer images: read it as a multiple of the
    oracle's.
    """
    seen = recognition(evidence)
    return frechet_of(seen.samples.features, seen.test.features)
