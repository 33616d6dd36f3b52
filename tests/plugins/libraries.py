"""Models of other libraries, as a user would write them."""

import normflows
import zuko
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from genbench import Model, TorchModel, register_model


@register_model("sk_gmm", family="libraries", likelihood="exact")
class SkGmm(Model):
    """scikit-learn's mixture, whose samples come component by component."""

    def fit(self, x):
        self.mixture = GaussianMixture(20).fit(x)

    def sample(self, n):
        return self.mixture.sample(n)[0]

    def log_prob(self, x):
        return self.mixture.score_samples(x)


@register_model("sk_kde", family="libraries", likelihood="exact")
class SkKde(SkGmm):
    """scikit-learn's kernel density."""

    def fit(self, x):
        self.mixture = KernelDensity(bandwidth=0.05).fit(x[:2000])

    def sample(self, n):
        return self.mixture.sample(n)


class Flow(TorchModel):
    def training_loss(self, x):
        return -self.log_prob(x).mean()

    def sample(self, n):
        return self.flow().sample((n,))

    def log_prob(self, x):
        return self.flow().log_prob(x)


@register_model("zuko_nsf", family="libraries", likelihood="exact")
class ZukoNsf(Flow):
    """zuko's neural spline flow."""

    def build(self, shape):
        self.flow = zuko.flows.NSF(*shape, transforms=2, hidden_features=(32, 32))


@register_model("zuko_maf", family="libraries", likelihood="exact")
class ZukoMaf(Flow):
    """zuko's masked autoregressive flow."""

    def build(self, shape):
        self.flow = zuko.flows.MAF(*shape, transforms=3, hidden_features=(32, 32))


@register_model("realnvp", family="libraries", likelihood="exact")
class RealNvp(TorchModel):
    """normflows' RealNVP."""

    def build(self, shape):
        mlp = [normflows.nets.MLP([1, 32, 32, 2], init_zeros=True) for _ in range(4)]
        couplings = [(normflows.flows.AffineCouplingBlock(m), normflows.flows.Permute(2, mode="swap")) for m in mlp]
        layers = [layer for pair in couplings for layer in pair]
        self.flow = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(2), layers)

    def training_loss(self, x):
        return self.flow.forward_kld(x)

    def sample(self, n):
        return self.flow.sample(n)[0]

    def log_prob(self, x):
        return self.flow.log_prob(x)
