"""Controls on numpy arrays: a correct kernel model, and variants with one fault each.

The kernel works in whitened coordinates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from genbench.contracts.model import Model, ModelCard
from genbench.core.types import Array
from genbench.testing.controls.catalogue import control, twin

WIDTH = 0.08  # of the kernel, in latent units; by hand: a sixth of a deviation of the data
SCALE = 2.0  # data deviations of a latent unit: any number but 1, so that the log-determinant is not 0
LOG_2PI = float(np.log(2 * np.pi))
PAIRS = 250_000  # pairs of points whose distance is computed at a time; by hand: 2 MB


def dense(name: str, factory: Any) -> ModelCard:
    """Return the card of a model with an exact density."""
    return ModelCard(name, "negative controls", factory, likelihood="exact")


def sampler(name: str, factory: Any) -> ModelCard:
    """Return the card of a model without a density."""
    return ModelCard(name, "negative controls", factory)


def unscaled(name: str, factory: Any) -> ModelCard:
    """Return the card of a model whose data are not standardised."""
    return ModelCard(name, "negative controls", factory, likelihood="exact", standardise=False)


@twin(dense)
class WhitenedKernel(Model):
    """x = μ + 2L z, where z has a kernel density: correct in all that is checked."""

    def fit(self, x: Array) -> None:
        self.mean, self.root = x.mean(axis=0), SCALE * np.linalg.cholesky(np.cov(x.T).reshape(x.shape[1], -1))
        self.points = self.codes(x)

    def codes(self, x: Array) -> Array:
        return np.linalg.solve(self.root, (x - self.mean).T).T

    def sample(self, n: int) -> Any:
        centres = self.points[np.random.randint(len(self.points), size=n)]
        return self.mean + (centres + WIDTH * np.random.standard_normal(centres.shape)) @ self.root.T

    def log_prob(self, x: Array) -> Any:
        return self.log_latent(x) - self.log_det()

    def log_det(self) -> float:
        """Return log |det dx/dz|."""
        return float(np.log(np.diag(self.root)).sum())

    def log_latent(self, x: Array) -> Array:
        """Return the log-density of the codes of points x [n, d]."""
        n, d = self.points.shape
        z = self.codes(x)
        constant = np.log(n) + d * (np.log(WIDTH) + 0.5 * LOG_2PI)
        parts = np.array_split(z, max(1, len(z) * n // PAIRS))
        return np.concatenate([_log_sum(part, self.points) for part in parts]) - constant


def _log_sum(z: Array, points: Array) -> Array:
    squared = np.square(z).sum(axis=1)[:, None] - 2 * z @ points.T + np.square(points).sum(axis=1)
    nearest = squared.min(axis=1, keepdims=True)
    log_sum = np.log(np.exp(-0.5 * (squared - nearest) / WIDTH**2).sum(axis=1)) - 0.5 * nearest[:, 0] / WIDTH**2
    return np.asarray(log_sum)


@control(dense, "integrates_on_a_line", "integrates to")
class FlippedLogDeterminant(WhitenedKernel):
    """The log-determinant is added, but must be subtracted."""

    def log_prob(self, x: Array) -> Any:
        return self.log_latent(x) + self.log_det()


@control(unscaled, "follows_units", "nats after a change of units")
class MissingJacobian(WhitenedKernel):
    """Standardises the data itself, but leaves out the log-determinant of that."""

    def fit(self, x: Array) -> None:
        self.centre, self.scale = x.mean(axis=0), x.std(axis=0)
        super().fit((x - self.centre) / self.scale)

    def sample(self, n: int) -> Any:
        return self.centre + self.scale * super().sample(n)

    def log_prob(self, x: Array) -> Any:
        return super().log_prob((x - self.centre) / self.scale)


@control(dense, "falls_off", "far away")
class NegativeLogLikelihood(WhitenedKernel):
    """Returns −log p, a loss, instead of log p."""

    def log_prob(self, x: Array) -> Any:
        return -super().log_prob(x)


@control(dense, "asks_no_neighbours", "between a batch of")
class MeanLogProb(WhitenedKernel):
    """Returns the mean log p of the batch for each of its points, as an NLL is reported."""

    def log_prob(self, x: Array) -> Any:
        return np.full(len(x), super().log_prob(x).mean())


@control(dense, "asks_no_neighbours", "between a batch of")
class BatchDensity(WhitenedKernel):
    """Divides the density by its mean over the given points."""

    def log_prob(self, x: Array) -> Any:
        log_p = super().log_prob(x)
        return log_p - np.logaddexp.reduce(log_p) + np.log(len(x))


@control(dense, "agrees_with_itself", "samples do not follow the density")
class ModeDropper(WhitenedKernel):
    """Its density is correct; its samples leave out the part left of the middle."""

    def sample(self, n: int) -> Any:
        right = self.points[self.points[:, 0] > 0]
        centres = right[np.random.randint(len(right), size=n)]
        return self.mean + (centres + WIDTH * np.random.standard_normal(centres.shape)) @ self.root.T


@control(sampler, "covers", "away from the truth", fast=False)
class ModeDropperWithoutDensity(ModeDropper):
    """The same fault in a model without a density that would reveal it."""


@control(dense, "agrees_with_itself", "samples do not follow the density")
class LowTemperature(WhitenedKernel):
    """Its samples are drawn nearer to the mean by a fifth, which looks clean."""

    def sample(self, n: int) -> Any:
        return self.mean + 0.8 * (super().sample(n) - self.mean)


@control(sampler, "learns_a_gaussian", "covariance", fast=False)
class LowTemperatureWithoutDensity(LowTemperature):
    """The same fault in a model without a density that would reveal it."""


@control(dense, "agrees_with_itself", "samples do not follow the density")
class BlurredSamples(WhitenedKernel):
    """Its samples are those of its density, plus noise of half a standard deviation."""

    def sample(self, n: int) -> Any:
        x = super().sample(n)
        return x + 0.5 * np.random.standard_normal(x.shape)


@control(dense, "draws_in_no_order", "has correlation")
class SortedSamples(WhitenedKernel):
    """Its samples are sorted by their first coordinate."""

    def sample(self, n: int) -> Any:
        x = super().sample(n)
        return x[np.argsort(x[:, 0])]


@control(sampler, "is_no_memory", "nearer to the training points", fast=False)
class Memoriser(WhitenedKernel):
    """Its samples are training points, moved a little so that none is an exact copy."""

    share = 1.0

    def sample(self, n: int) -> Any:
        x = super().sample(n)
        copied = self.mean + self.points[np.random.randint(len(self.points), size=n)] @ self.root.T
        copied += 1e-3 * np.random.standard_normal(copied.shape)
        return np.where(np.random.random((n, 1)) < self.share, copied, x)


@control(sampler, "is_no_memory", "nearer to the training points", fast=False)
class HalfMemoriser(Memoriser):
    """Half of its samples are training points; the others are drawn from its density."""

    share = 0.5


@control(dense, "leaves_seeds_alone", "in the same state under two seeds")
class GlobalReseeding(WhitenedKernel):
    """Seeds NumPy's global generator in `sample`."""

    def sample(self, n: int) -> Any:
        np.random.seed(0)
        return super().sample(n)


@control(dense, "repeats", "same seed, other samples")
class OwnGenerator(WhitenedKernel):
    """Draws from a generator that is not seeded."""

    def sample(self, n: int) -> Any:
        rng = np.random.default_rng()
        centres = self.points[rng.integers(len(self.points), size=n)]
        return self.mean + (centres + WIDTH * rng.standard_normal(centres.shape)) @ self.root.T


@control(dense, "leaves_inputs_alone", "numbers given to it")
class MutatedInput(WhitenedKernel):
    """Computes the density in place, in the array of points that it was given."""

    def log_prob(self, x: Array) -> Any:
        given = x.copy()
        x -= self.mean
        return super().log_prob(given)


@control(dense, "keeps_its_state", "self.mean")
class ChangingState(WhitenedKernel):
    """Its mean changes a little with each draw."""

    def sample(self, n: int) -> Any:
        x = super().sample(n)
        self.mean = 0.9 * self.mean + 0.1 * x.mean(axis=0)
        return x


@control(dense, "types", "float16")
class HalfPrecision(WhitenedKernel):
    """Its samples are rounded to half precision."""

    def sample(self, n: int) -> Any:
        return super().sample(n).astype(np.float16)


@twin(dense)
class TwoOrders(Model):
    """Each coordinate is predicted from those before by quadratic regression, in two orders.

    The orders are the natural one and its reverse.
    """

    def fit(self, x: Array) -> None:
        d = x.shape[1]
        self.orders = [np.arange(d), np.arange(d)[::-1]]
        self.factors = [[_regression(x[:, order], k) for k in range(d)] for order in self.orders]

    def sample(self, n: int) -> Any:
        d, halves = len(self.orders[0]), []
        for order, factors in zip(self.orders, self.factors, strict=True):
            x = np.empty((n, d))
            for k, (weights, deviation) in enumerate(factors):
                x[:, k] = _features(x[:, :k]) @ weights + deviation * np.random.standard_normal(n)
            halves.append(x[:, np.argsort(order)])
        return np.where(np.random.random((n, 1)) < 0.5, *halves)

    def log_prob(self, x: Array) -> Any:
        return np.logaddexp(*self.by_order(x)) - np.log(2)

    def by_order(self, x: Array) -> Array:
        """Return log p(x) for each order, [2, n]."""
        found = []
        for order, factors in zip(self.orders, self.factors, strict=True):
            y, log_p = x[:, order], np.zeros(len(x))
            for k, (weights, deviation) in enumerate(factors):
                z = (y[:, k] - _features(y[:, :k]) @ weights) / deviation
                log_p += -0.5 * z**2 - np.log(deviation) - 0.5 * LOG_2PI
            found.append(log_p)
        return np.array(found)


def _features(x: Array) -> Array:
    return np.column_stack([np.ones(len(x)), x, x**2])


def _regression(x: Array, k: int) -> tuple[Array, float]:
    """Return the weights of coordinate k on those before it, and the deviation around them."""
    features = _features(x[:, :k])
    weights = np.asarray(np.linalg.lstsq(features, x[:, k], rcond=None)[0], dtype=np.float64)
    return weights, float((x[:, k] - features @ weights).std())


@control(dense, "integrates_to_one", "integrates to 0.")
class AveragedOverOrders(TwoOrders):
    """Averages log-densities over orders instead of densities, so p is not normalised."""

    def log_prob(self, x: Array) -> Any:
        return self.by_order(x).mean(axis=0)
