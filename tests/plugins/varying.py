"""Models whose scores vary for one known reason, and the metric that shows it."""

import numpy as np

from genbench import Model, register_metric, register_model


@register_model("by_training", family="tests", standardise=False)
class ByTraining(Model):
    """Each training shifts all samples by a normal number; a draw adds nothing."""

    def fit(self, x):
        self.shift, self.d = np.random.normal(), x.shape[1]

    def sample(self, n):
        return np.full((n, self.d), self.shift)


@register_model("by_draw", family="tests", standardise=False)
class ByDraw(Model):
    """Each draw shifts all samples by a normal number; all trainings are alike."""

    def fit(self, x):
        self.d = x.shape[1]

    def sample(self, n):
        return np.full((n, self.d), np.random.normal())


@register_model("by_data", family="tests", standardise=False)
class ByData(Model):
    """Returns the mean of the training points."""

    def fit(self, x):
        self.mean = x.mean(axis=0)

    def sample(self, n):
        return np.tile(self.mean, (n, 1))


@register_metric("place", family="tests", order=200, variant=True)  # else it would be in every other test's "all"
def place(evidence):
    return float(evidence.samples[0, 0])
