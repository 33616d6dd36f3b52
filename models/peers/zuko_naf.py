"""Neural autoregressive flow of zuko."""

from typing import Any

from genbench.core.types import Count
from genbench.models.peers.registration import register_peer
from genbench.models.peers.zuko_flow import ZukoFlow

__all__ = ["ZukoNAF"]


@register_peer("zuko_naf", likelihood="exact", paper="Huang et al. 2018; Rozet et al. 2022")
class ZukoNAF(ZukoFlow):
    """Neural autoregressive flow of zuko by its defaults: 3 transforms of 16 signals, networks 64-64.

    Trained as its tutorial trains a spline flow: Adam 1e-3, batch 64. zuko standardises nothing: that is done here.
    Transforms but the last end at ±11, so that some noise belongs to no point; zuko's bisection puts it at ±10. It is
    much before the flow has learnt, when the density sums to less than 1, as `genbench check` reports; little later on.

    Args:
        transforms: number of autoregressive monotonic transformations.
        signal: numbers by which the network of each transformation steers its monotonic one.
    """

    def __init__(self, transforms: Count = 3, signal: Count = 16) -> None:
        self.transforms, self.signal = transforms, signal

    def flow_of(self, d: int) -> Any:
        import zuko

        return zuko.flows.NAF(d, transforms=self.transforms, signal=self.signal)
