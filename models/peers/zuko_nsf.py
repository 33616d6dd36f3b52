"""Neural spline flow of zuko."""

from typing import Any

from genbench.core.types import Count
from genbench.models.peers.registration import register_peer
from genbench.models.peers.zuko_flow import ZukoFlow

__all__ = ["ZukoNSF"]


@register_peer("zuko_nsf", likelihood="exact", paper="Durkan et al. 2019; Rozet et al. 2022")
class ZukoNSF(ZukoFlow):
    """Neural spline flow of zuko, autoregressive, as in its tutorial: 3 transforms.

    The networks are 64-64, trained with Adam 1e-3 and batches of 64. zuko does not standardise data, but needs
    standardised data, because its splines end at ±5; that is done here.

    Args:
        transforms: number of autoregressive spline transformations.
        hidden: width of both hidden layers of each network.
    """

    def __init__(self, transforms: Count = 3, hidden: Count = 64) -> None:
        self.transforms, self.hidden = transforms, hidden

    def flow_of(self, d: int) -> Any:
        import zuko

        hidden = (self.hidden, self.hidden)
        return zuko.flows.NSF(d, transforms=self.transforms, hidden_features=hidden)
