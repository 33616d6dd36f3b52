"""Masked autoregressive flow of zuko."""

from typing import Any

from genbench.core.types import Count
from genbench.models.peers.registration import register_peer
from genbench.models.peers.zuko_flow import ZukoFlow

__all__ = ["ZukoMAF"]


@register_peer("zuko_maf", likelihood="exact", paper="Papamakarios et al. 2017; Rozet et al. 2022")
class ZukoMAF(ZukoFlow):
    """Masked autoregressive flow of zuko with its defaults: 3 transforms, networks 64-64.

    The transforms are affine. It is trained like the spline flow of zuko's tutorial: Adam 1e-3, batches of 64. zuko
    does not standardise data; that is done here.

    Args:
        transforms: number of autoregressive affine transformations.
        hidden: width of both hidden layers of each network.
    """

    def __init__(self, transforms: Count = 3, hidden: Count = 64) -> None:
        self.transforms, self.hidden = transforms, hidden

    def flow_of(self, d: int) -> Any:
        import zuko

        hidden = (self.hidden, self.hidden)
        return zuko.flows.MAF(d, transforms=self.transforms, hidden_features=hidden)
