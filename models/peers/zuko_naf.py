"""Neural autoregressive flow of zuko."""

from typing import Any

from genbench.core.types import Count
from genbench.models.peers.registration import register_peer
from genbench.models.peers.zuko_flow import ZukoFlow

__all__ = ["ZukoNAF"]


@register_peer("zuko_naf", likelihood="exact", paper="Huang et al. 2018; Rozet et al. 2022")
class ZukoNAF(ZukoFlow):
    """Neural autoregressive flow of zuko with its defaults: 3 transforms, networks 64-64.

    A transform has 16 signals. It is trained like the spline flow of zuko's tutorial: Adam 1e-3, batches of 64. zuko
    does not standardise data; that is done here. All transforms except the last end at ±11, so that some noise belongs
    to no point; zuko's bisection puts it at ±10. Before training this is much of the noise, and the density integrates
    to less than 1, as `genbench check` reports; after training it is little.

    Args:
        transforms: number of autoregressive monotonic transformations.
        signal: number of outputs of each transformation's network that control its monotonic one.
    """

    def __init__(self, transforms: Count = 3, signal: Count = 16) -> None:
        self.transforms, self.signal = transforms, signal

    def flow_of(self, d: int) -> Any:
        import zuko

        return zuko.flows.NAF(d, transforms=self.transforms, signal=self.signal)
