"""A model whose sampler returns the same points in one order or another: as `TWIN_ORDER` says, "sorted" or "mixed"."""

import os

import numpy as np

from genbench import Model, register_model


@register_model("twin", family="order", likelihood="exact", kinds=("points", "table", "image"))
class Twin(Model):
    """The training points with some normal noise, as a library's mixture returns them: one component after another."""

    def fit(self, x):
        self.centres = x[:40]

    def sample(self, n):
        """Return as many points of each centre, centre after centre."""
        return self.trajectory(n)[1][-1]

    def trajectory(self, n):
        noise = np.random.default_rng(1).standard_normal((n, *self.centres.shape[1:]))
        points = self.centres[np.arange(n) * len(self.centres) // n] + 0.1 * noise
        times = np.linspace(0, 1, 5)
        paths = np.stack([(1 - t) * noise + t * points for t in times])
        return times, paths if os.environ["TWIN_ORDER"] == "sorted" else paths[:, np.random.permutation(n)]

    def log_prob(self, x):
        """Return log ¹⁄ₖ Σᵢ N(x; cᵢ, 0.01 I)."""
        x, c = x.reshape(len(x), -1), self.centres.reshape(len(self.centres), -1)
        powers = -0.5 * (np.square(x).sum(1)[:, None] - 2 * x @ c.T + np.square(c).sum(1)) / 0.01
        top = powers.max(axis=1, keepdims=True)
        within = np.log(np.exp(powers - top).mean(axis=1)) + top[:, 0]
        return within - x.shape[1] / 2 * np.log(2 * np.pi * 0.01)
