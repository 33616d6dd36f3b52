"""Conditional flow matching of torchcfm with independent pairs."""

from genbench.models.peers.registration import register_peer
from genbench.models.peers.torchcfm_flow import TorchcfmFlow

__all__ = ["TorchcfmICFM"]


@register_peer("torchcfm_icfm", paper="Tong et al. 2024")
class TorchcfmICFM(TorchcfmFlow):
    """I-CFM of torchcfm as in its tutorial in the plane: network 64-64-64 SELU, σ = 0.1.

    It is trained with Adam 1e-3 and batches of 256, and sampled by dopri5. The tutorial does not standardise data; that
    is done here, so that σ is in standard deviations.

    Args:
        sigma: standard deviation of the probability paths around the straight lines. Samples are blurred by it.
    """

    matcher = "ConditionalFlowMatcher"
