"""A model whose samples are no numbers, of pictures and rows alike."""

import numpy as np

from genbench import Model, register_model


@register_model("nowhere", family="broken", kinds=("image", "table"))
class Nowhere(Model):
    """It fails after its training."""

    def fit(self, x):
        self.shape = x.shape[1:]

    def sample(self, n):
        return np.full((n, *self.shape), np.nan)
