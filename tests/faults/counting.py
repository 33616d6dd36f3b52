"""A model that notes each time that it is fitted, in the file of the environment variable COUNT."""

import os
import time

import numpy as np

from genbench import Model, register_model


@register_model("counted", family="counting")
class Counted(Model):
    """A normal distribution of a given width."""

    def __init__(self, width: float = 1.0, pause: float = 0.0, fails: bool = False):
        self.width, self.pause, self.fails = width, pause, fails

    def fit(self, x):
        self.d = x.shape[1]
        with open(os.environ["COUNT"], "ab", buffering=0) as count:  # O_APPEND: no line is lost
            count.write(f"{self.width} {x.sum()!r}\n".encode())
        time.sleep(self.pause)
        if self.fails:
            raise RuntimeError("as asked")

    def sample(self, n):
        return self.width * np.random.standard_normal((n, self.d))
