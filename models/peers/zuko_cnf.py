"""Continuous normalizing flow of zuko."""

from typing import Any

from genbench.core.types import Count
from genbench.models.peers.registration import register_peer
from genbench.models.peers.zuko_flow import ZukoFlow

__all__ = ["ZukoCNF"]


@register_peer("zuko_cnf", likelihood="exact", paper="Grathwohl et al. 2019; Rozet et al. 2022")
class ZukoCNF(ZukoFlow):
    """Continuous normalizing flow of zuko with its defaults: network 64-64, exact trace.

    The solver is the adaptive Dormand-Prince method. It is trained like the spline flow of zuko's tutorial: Adam 1e-3,
    batches of 64. zuko does not standardise data; that is done here.

    Args:
        hidden: width of both hidden layers of the network.
        frequencies: number of sines and cosines of the time as inputs.
    """

    def __init__(self, hidden: Count = 64, frequencies: Count = 3) -> None:
        self.hidden, self.frequencies = hidden, frequencies

    def flow_of(self, d: int) -> Any:
        import zuko

        return zuko.flows.CNF(d, freqs=self.frequencies, hidden_features=(self.hidden, self.hidden))
