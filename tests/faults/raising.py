"""Models that end in every way that an exception, a wrong answer or a wrong attribute can end a trial."""

import sys

import numpy as np
import torch

from genbench import Model, RecordedDataset, TorchModel, register_dataset, register_model

LONG = 50_000_000  # letters


class Own(BaseException):
    """Neither an Exception nor known to anybody."""


class Speechless(Exception):
    """Its text cannot be had."""

    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class Normal(Model):
    """The standard normal distribution."""

    def fit(self, x):
        self.d = x.shape[1]

    def sample(self, n):
        return np.random.standard_normal((n, self.d))


def raising(name, error):
    """Register a model whose fit raises what a function makes."""

    def fit(self, x):
        raise error()

    register_model(name, family="raising")(type(name, (Normal,), {"fit": fit, "__doc__": name}))


raising("own_base", lambda: Own("mine"))
raising("speechless", Speechless)
raising("interrupting", KeyboardInterrupt)
raising("generator_exit", lambda: GeneratorExit("odd"))
raising("surrogates", lambda: ValueError("a\udcffb\x1b[31mred\x07"))
raising("endless", lambda: ValueError("x" * LONG))


@register_model("quitting", family="raising")
class Quitting(Normal):
    """Leaves by sys.exit, which means success."""

    def fit(self, x):
        sys.exit(0)


class Failing(Normal):
    """One whose constructor raises."""

    error = RuntimeError

    def __init__(self):
        raise self.error("not today")


for each in (RuntimeError, ValueError, SystemExit, KeyboardInterrupt, Own):
    name = f"no_{each.__name__.lower()}"
    register_model(name, family="constructors")(type(name, (Failing,), {"error": each, "__doc__": name}))


class Diagnosing(Normal):
    """One that says something of test points."""

    found: object = None

    def diagnose(self, x):
        return self.found


for name, found in {
    "nan_diagnosis": {"a": float("nan"), "b": 1.0},
    "odd_keys": {(1, 2): 1.0, None: 2.0, "\udcff\x1b[2J": 3.0},
    "text_diagnosis": {"a": "many"},
    "infinite_diagnosis": {"a": float("inf")},
    "many_keys": {"k" * 100_000: 1.0},
}.items():
    register_model(name, family="diagnoses")(type(name, (Diagnosing,), {"found": found, "__doc__": name}))


for name, kind in {"sort_of": "sort of", "no_text": 3, "listed": ["exact"]}.items():
    facts = {"likelihood": kind, "log_prob": lambda self, x: -0.5 * (x**2).sum(axis=1), "__doc__": name}
    register_model(name, family="likelihoods", likelihood="exact")(type(name, (Normal,), facts))


class Buffered(TorchModel):
    """A shift of a normal distribution, and a buffer of an odd kind."""

    def build(self, shape):
        self.shift = torch.nn.Parameter(torch.zeros(shape))
        self.register_buffer("odd", self.buffer())

    def training_loss(self, x):
        return (x - self.shift).square().mean()

    def sample(self, n):
        return self.shift + torch.randn(n, *self.shift.shape)


for name, buffer in {
    "complex_buffer": lambda self: torch.ones(3, dtype=torch.complex64),
    "sparse_buffer": lambda self: torch.eye(3).to_sparse(),
    "meta_buffer": lambda self: torch.ones(3, device="meta"),
    "quantised_buffer": lambda self: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
}.items():
    register_model(name, family="buffers")(type(name, (Buffered,), {"buffer": buffer, "__doc__": name}))


@register_model("choosy", family="others")
class Choosy(Normal):
    """Takes no negative number."""

    def __init__(self, a: int = 1):
        if a < 0:
            raise ValueError(f"a={a} is too small")
        self.a = a


@register_model("unwritable", family="others")
class Unwritable(Normal):
    """A default value that is no plain data."""

    def __init__(self, a=Normal):
        self.a = a


@register_dataset("unmade", family="others")
class Unmade(RecordedDataset):
    """Cannot be made."""

    shape = (2,)

    def __init__(self):
        raise RuntimeError("no such data")


@register_dataset("unkind", family="others")
class Unkind(RecordedDataset):
    """Raises when it is asked what it is."""

    shape = (2,)

    @property
    def classes(self):
        raise Own("kind")

    kind = classes
