"""Conditional flow matching of torchcfm with pairs of minibatch optimal transport."""

from genbench.models.peers.registration import register_peer
from genbench.models.peers.torchcfm_flow import TorchcfmFlow

__all__ = ["TorchcfmOTCFM"]


@register_peer("torchcfm_otcfm", paper="Tong et al. 2024")
class TorchcfmOTCFM(TorchcfmFlow):
    """OT-CFM of torchcfm as in its tutorial in the plane: exact transport in each batch.

    Otherwise it is as torchcfm_icfm. It draws pairs with replacement, so that a third of a batch is not used, which
    `genbench check` reports. The data are standardised here, as for torchcfm_icfm.

    Args:
        sigma: standard deviation of the probability paths around the straight lines. Samples are blurred by it.
    """

    matcher = "ExactOptimalTransportConditionalFlowMatcher"
