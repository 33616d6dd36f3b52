"""The field's own Fréchet inception distance, by torchmetrics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.plotting.image_grid import seen

__all__ = ["inception_fid"]

AT_ONCE = 250  # pictures that go through the network together


@register_metric(
    "inception_fid",
    family="pictures",
    label="FID (Inception)",
    unit="features²",
    needs=("pictures",),
    order=6,
    variant=True,
    main=True,
)
def inception_fid(evidence: Evidence) -> float:
    """FID (Heusel et al. 2017, eq. 6) between all samples and the test pictures, in 2,048 features of an Inception v3.

    Only this one compares with FIDs of papers, if they used as many pictures. The network is torchmetrics', of natural
    pictures in colour; grey ones are given to all three channels. Its weights come from the web at the first use.

    Raises:
        GenbenchError: torchmetrics or torch-fidelity is not installed, the weights are not to be had, or the pictures
            have neither one channel nor three.
    """
    import torch

    channels, *_ = shape = evidence.dataset.shape
    if channels not in (1, 3):
        raise GenbenchError(
            f"Inception looks at one or three channels, and {evidence.dataset.card.name} has {channels}"
        )
    distance = _distance()
    for x, real in ((evidence.test, True), (evidence.samples, False)):
        pictures = _bytes(seen(x.reshape(-1, *shape), evidence.dataset.levels))
        for i in range(0, len(pictures), AT_ONCE):
            part = torch.from_numpy(pictures[i : i + AT_ONCE]).expand(-1, 3, -1, -1)
            distance.update(part, real=real)
    return float(distance.compute())


def _bytes(pictures: Array) -> NDArray[np.uint8]:
    """Return pictures in [0, 1] in 256 levels of brightness."""
    return (255 * pictures).round().astype(np.uint8)


def _distance() -> Any:
    """Return torchmetrics' accumulator of both sets' features."""
    remedy = "pip install torchmetrics torch-fidelity, with access to the web for the weights"
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance

        return FrechetInceptionDistance(feature=2048)
    except (ImportError, OSError) as error:  # a URLError is an OSError
        raise GenbenchError(f"the Inception network is not to be had ({error}); {remedy}") from None
