"""Continuous normalizing flow of zuko."""

from typing import Any

from genbench.core.types import Count
from genbench.models.peers.registration import register_peer
from genbench.models.peers.zuko_flow import ZukoFlow

__all__ = ["ZukoCNF"]


@register_peer("zuko_cnf", likelihood="exact", paper="Grathwohl et al. 2019; Rozet et al. 2022")
class ZukoCNF(ZukoFlow):
    """Continuous normalizing flow of zuko by its defaults: network 64-64, exact trace, adaptive Dormand-Prince.

    Trained as its tutorial trains a spline flow: Adam 1e-3, batch 64. zuko standardises nothing: that is done here.

    Args:
        hidden: width of both hidden layers of the network.
        frequencies: of the sines and cosines that tell it the time.
    """

    def __init__(self, hidden: Count = 64, frequencies: Count = 3) -> None:
        self.hidden, self.frequencies = hidden, frequencies

    def flow_of(self, d: int) -> Any:
        import zuko

        return zuko.flows.CNF(d, freqs=self.frequencies, hidden_features=(self.hidden, self.hidden))
