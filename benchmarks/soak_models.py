"""Models for `soak.py` that train in no time, and that end in every way: by `kind` and seed."""

import os
import signal
import time

import numpy as np

from genbench import Model, register_model


class Normal(Model):
    """A normal distribution with the data's covariance."""

    def fit(self, x):
        self.mean, self.factor = x.mean(axis=0), np.linalg.cholesky(np.cov(x.T))

    def sample(self, n):
        return self.mean + np.random.standard_normal((n, len(self.mean))) @ self.factor.T


@register_model("steady", family="soak")
class Steady(Normal):
    """Takes a moment to train, in which it can be killed."""

    def __init__(self, width: float = 1.0, seconds: float = 0.3):
        self.width, self.seconds = width, seconds

    def fit(self, x):
        super().fit(x)
        time.sleep(self.seconds)
        with open(os.environ["SOAK_LOG"], "a") as log:  # one write, which is whole
            log.write(f"{self.width} {np.random.get_state()[1][0]}\n")

    def sample(self, n):
        return self.width * super().sample(n)


def hang():
    """Wait for what does not come."""
    time.sleep(600)


def eat():
    """Take memory without end."""
    [np.empty(2**28) for _ in range(1000)]


def fault():
    """Read where nothing is."""
    import ctypes

    ctypes.string_at(0)


def refuse():
    """Raise an exception."""
    raise ValueError("refused")


ENDS = {"hangs": hang, "eats": eat, "faults": fault, "raises": refuse, "exits": lambda: os._exit(0)}


@register_model("ending", family="soak")
class Ending(Normal):
    """Ends as `kind` says: hangs, eats, faults, raises, exits, aborts, no_numbers, well; `copy` sets equals apart."""

    def __init__(self, kind: str = "well", copy: int = 0):
        self.kind, self.copy = kind, copy

    def fit(self, x):
        super().fit(x)
        if self.kind == "aborts":
            signal.raise_signal(signal.SIGABRT)
        ENDS.get(self.kind, lambda: None)()

    def sample(self, n):
        return np.nan * super().sample(n) if self.kind == "no_numbers" else super().sample(n)
