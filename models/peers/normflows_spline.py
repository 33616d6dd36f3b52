"""Neural spline flow of normflows."""

from typing import Any

from genbench.contracts.constant_rate import ConstantRate
from genbench.core.types import Count
from genbench.models.peers.normflows_flow import NormflowsFlow
from genbench.models.peers.registration import register_peer

__all__ = ["NormflowsSpline"]


@register_peer("normflows_spline", likelihood="exact", paper="Durkan et al. 2019; Stimper et al. 2023")
class NormflowsSpline(NormflowsFlow):
    """Spline flow of normflows as in its example: 16 autoregressive splines, networks 128-128.

    It is trained with Adam 1e-3 and batches of 512. The example does not standardise data, although its splines end at
    ±3; that is done here.
    """

    recipe = ConstantRate(batch_size=512, lr=1e-3)

    def __init__(self, splines: Count = 16, hidden: Count = 128, depth: Count = 2) -> None:
        self.splines, self.hidden, self.depth = splines, hidden, depth

    def build(self, shape: tuple[int, ...]) -> None:
        import normflows as nf

        d, layers = shape[0], list[Any]()
        for _ in range(self.splines):
            spline = nf.flows.AutoregressiveRationalQuadraticSpline(d, self.depth, self.hidden)
            layers += [spline, nf.flows.LULinearPermute(d)]
        self.flow = nf.NormalizingFlow(nf.distributions.DiagGaussian(d, trainable=False), layers)
