"""Real NVP of normflows."""

from typing import Any

from genbench.contracts.constant_rate import ConstantRate
from genbench.core.types import Count
from genbench.models.peers.normflows_flow import NormflowsFlow
from genbench.models.peers.registration import register_peer

__all__ = ["NormflowsRealNVP"]


@register_peer("normflows_realnvp", likelihood="exact", paper="Dinh et al. 2017; Stimper et al. 2023")
class NormflowsRealNVP(NormflowsFlow):
    """Real NVP of normflows as in its example: 32 affine couplings, networks 64-64.

    It is trained with Adam 5e-4 and batches of 512. The example does not standardise data; that is done here. Scales
    are not bounded, so that training can diverge, and the log-density overflows far from the data, as `genbench check`
    reports.
    """

    recipe = ConstantRate(batch_size=512, lr=5e-4)

    def __init__(self, couplings: Count = 32, hidden: Count = 64) -> None:
        self.couplings, self.hidden = couplings, hidden

    def build(self, shape: tuple[int, ...]) -> None:
        import normflows as nf

        d, layers, h = shape[0], list[Any](), self.hidden
        for _ in range(self.couplings if d > 1 else 0):  # one coordinate has no other to be coupled with
            network = nf.nets.MLP([d - d // 2, h, h, 2 * (d // 2)], init_zeros=True)
            layers += [nf.flows.AffineCouplingBlock(network), nf.flows.Permute(d, mode="swap")]
        self.flow = nf.NormalizingFlow(nf.distributions.DiagGaussian(d), layers)
