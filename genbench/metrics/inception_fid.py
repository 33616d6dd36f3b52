"""The usual Fréchet inception distance, computed by torchmetrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.core.errors import GenbenchError
from genbench.plotting.image_grid import seen

__all__ = ["inception_fid"]

AT_ONCE = 250  # images that go through the network together; chosen by hand: memory against time


@register_metric(
    "inception_fid",
    family="images",
    label="FID (Inception)",
    unit="features²",
    needs=("pictures",),
    order=6,
    variant=True,
    main=True,
)
def inception_fid(evidence: Evidence) -> float:
    """FID between all samples and the test images, in 2,048 features of an Inception v3.

    See Heusel et al. (2017, eq. 6). Only this metric can be compared with FIDs of papers, if they used as many images.
    The network is torchmetrics' and was trained on natural images in colour; a grey image is copied to all three
    channels. Its weights are downloaded at the first use.

    Raises:
        GenbenchError: torchmetrics or torch-fidelity is not installed, the weights are unavailable, or the images have
            another number of channels than one or three.
    """
    import torch

    channels, *_ = shape = evidence.dataset.shape
    if channels not in (1, 3):
        raise GenbenchError(
            f"Inception looks at one or three channels, and {evidence.dataset.card.name} has {channels}"
        )
    distance = _distance()
    for x, real in ((evidence.test, True), (evidence.samples, False)):
        images = (255 * seen(x.reshape(-1, *shape), evidence.dataset.levels)).round().astype(np.uint8)
        for i in range(0, len(images), AT_ONCE):
            part = torch.from_numpy(images[i : i + AT_ONCE]).expand(-1, 3, -1, -1)
            distance.update(part, real=real)
    return float(distance.compute())


def _distance() -> Any:
    """Return torchmetrics' accumulator of both sets' features."""
    remedy = "pip install torchmetrics torch-fidelity, with access to the web for the weights"
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance

        return FrechetInceptionDistance(feature=2048)
    except (ImportError, OSError) as error:  # a URLError is an OSError
        raise GenbenchError(f"the Inception network is unavailable ({error}); {remedy}") from None
