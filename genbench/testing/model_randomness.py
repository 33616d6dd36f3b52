"""The checks of a model's randomness: samples depend only on the weights and the seed."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np

from genbench.contracts.model import ModelCard
from genbench.core.hardware import default_device
from genbench.core.parameters import create
from genbench.core.seeding import isolated
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.testing.check import Check, check, require
from genbench.testing.fits import densities, drawn, fitted, fitted_anew, inside, material, one_step

__all__ = ["RANDOMNESS", "global_generators", "repeats"]

DRAWN, ASKED = 50, 20  # samples and densities that are compared; by hand
IN_LINE = 1_000  # samples whose order is tested; by hand: sorting shows in ten
LEVEL = 1e-6  # of the test of the order, over all its statistics
COLUMNS = 6  # coordinates whose order is tested, at most; by hand
DEPTH = 3  # levels of objects inside a model whose numbers are its state; by hand
BATCH, SECONDS = 64, 0.5  # points that a method is given, and the budget of a fit, in nominal seconds; by hand
GENERATORS = ("Python's random", "NumPy's", "torch's")

OWN_GENERATOR = r"default_rng\(|RandomState\(|Generator\(|SystemRandom|urandom|random\.Random\(|secrets\.|time\(\)"
RESEEDS = r"random\.seed\(|manual_seed\(|torch\.seed\(|seed_everything\(|default_rng\(|RandomState\(|Generator\("
WRITES = r"\*=|\+=|-=|/=|\w_\(|\[[^\]]*\]\s*=[^=]|out=|\.sort\(|shuffle\(|copyto\("


@check(
    expected="the same samples and densities to the bit from the same seed, others from another seed",
    meaning="random numbers of a generator of its own, or a seed that it sets; take NumPy's, torch's or Python's "
    "global generator, which the engine seeds",
    methods=("sample", "log_prob", "fit", "training_loss"),
    suspects=OWN_GENERATOR + "|" + RESEEDS,
)
def repeats(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """The same seed gives the same bits, and another seed gives others.

    The global generators are restored.
    """
    x = material(card, None, seed).points[:ASKED]
    first = fitted(card, params, device, seed=0, of=seed)
    before = global_generators()  # torch is imported by now, if it is at all
    second = fitted_anew(card, params, device, seed=0, of=seed)
    require(np.array_equal(first.sample(DRAWN, seed=1), second.sample(DRAWN, seed=1)), "same seed, other samples")
    one, other = (
        np.sort(fitted(card, params, device, seed=0, of=seed).sample(DRAWN, seed=k), axis=0) for k in (1, 2)
    )  # each seed has an order of its own
    require(not np.array_equal(one, other), "other seed, same samples")
    if card.likelihood != "none":
        same = np.array_equal(densities(first, x), densities(second, x))
        require(same, "same seed, other densities", methods=("log_prob",))
    require(global_generators() == before, "a global generator was moved")
    return f"{DRAWN} samples"


@check(
    expected="global generators that continue from the seed that the engine set",
    meaning="it seeds a global generator itself, so that all that comes after draws the same numbers under every seed; "
    "leave seeds to the engine",
    methods=("sample", "log_prob", "fit", "training_step", "training_loss", "build"),
    suspects=RESEEDS,
)
def leaves_seeds_alone(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """Methods leave the global generators in a state that depends on the engine's seed.

    A method that sets a seed of its own leaves them in the same state every time.
    """
    model = fitted(card, params, device, of=seed)
    calls = _calls(card, model, material(card, None, seed).points, device)
    for name, call in calls.items():
        states = []
        for k in (1, 2):
            with isolated(k):
                call()
                states.append(global_generators())
        for which, here, there in zip(GENERATORS, *states, strict=True):
            found = f"{name} leaves {which} global generator in the same state under two seeds"
            require(here != there or not here, found, methods=(name,))
    return ", ".join(calls)


@check(
    expected="arrays that are given to a method to be the same after it",
    meaning="it computes in place: what the engine and other models see of these points is changed; compute on a copy",
    methods=("log_prob", "fit", "training_step", "training_loss"),
    suspects=WRITES,
)
def leaves_inputs_alone(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """`fit`, `training_loss` and `log_prob` do not change the points that they are given."""
    model = fitted(card, params, device, of=seed)
    given: list[tuple[Any, Array]] = []
    calls = _calls(card, model, material(card, None, seed).points, device, given)
    for name, call in calls.items():
        given.clear()
        with isolated(seed):
            call()
        for now, before in given:
            changed = int((np.asarray(now.cpu() if hasattr(now, "cpu") else now) != before).sum())
            require(not changed, f"{name} changed {changed} of {before.size} numbers given to it", methods=(name,))
    return ", ".join(name for name in calls if name != "sample")


@check(
    expected="the same samples and densities again, after it has drawn and been asked before",
    meaning="it keeps something of each call that the next one depends on: a count, a running mean, its last points",
    methods=("sample", "log_prob"),
    suspects=r"self\.\w+(\[[^\]]*\])?\s*([-+*/]|\*\*)?=[^=]|self\.\w+\.\w+_\(|self\.\w+\.append",
)
def keeps_its_state(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """A call of `sample` or `log_prob` changes nothing on which a later call depends."""
    model, x = fitted(card, params, device, of=seed), material(card, None, seed).points[:ASKED]

    def answers() -> list[tuple[str, Array]]:
        found = [("sample", model.sample(DRAWN, seed=1))]
        return found if card.likelihood == "none" else [*found, ("log_prob", densities(model, x))]

    before, first = _state(model.model), answers()
    after, second = _state(model.model), answers()
    names = sorted(name for name in before | after if before.get(name) != after.get(name))
    for (name, here), (_, there) in zip(first, second, strict=True):
        found = f"{name} gives other numbers when it is called again; meanwhile changed: {', '.join(names)}"
        require(not names or np.array_equal(here, there), found)
    return f"{len(before)} attributes"


@check(
    expected="samples in no order: each an independent draw",
    meaning="they come sorted, by component or by value, or each depends on the one before; shuffle them, or draw each "
    "by itself",
    methods=("sample",),
    suspects=r"sort\(|sorted\(|linspace\(|arange\(|cumsum\(|\.sample\(",
    error_rate=LEVEL,
)
def draws_in_no_order(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """A sample depends neither on its index nor on the sample before it.

    It is tested by rank correlations, at a level of 1 in 10⁶.
    """
    from scipy.stats import norm, rankdata

    model = fitted(card, params, device, of=seed)
    flat = model.drawn(IN_LINE, seed, model.labels(None, IN_LINE, seed)).reshape(IN_LINE, -1)
    columns = np.column_stack([flat[:, :COLUMNS], np.square(flat - flat.mean(axis=0)).sum(axis=1)])
    worst, what = 0.0, ""
    for k, column in enumerate(columns.T):
        ranks = rankdata(column)
        if (spread := ranks.std()) == 0:
            continue
        z = (ranks - ranks.mean()) / spread
        place = np.arange(IN_LINE) - (IN_LINE - 1) / 2
        name = f"coordinate {k + 1}" if k < columns.shape[1] - 1 else "the distance from the mean"
        for other, value in (
            ("the place in line", float(z @ place / place.std()) / IN_LINE),
            ("that of the sample before", float(z[1:] @ z[:-1]) / IN_LINE),
        ):
            if abs(value) > abs(worst):
                worst, what = value, f"{name} has correlation {value:.2f} with {other}"
    limit = float(norm.isf(LEVEL / (4 * columns.shape[1]))) / np.sqrt(IN_LINE)  # two sides, two statistics a column
    require(abs(worst) < limit, f"{what}; chance stays below {limit:.2f}")
    return f"largest rank correlation {abs(worst):.3f}, chance stays below {limit:.2f}"


def _calls(
    card: ModelCard, model: Estimator, points: Array, device: str, given: list[tuple[Any, Array]] | None = None
) -> dict[str, Callable[[], object]]:
    """Return calls of the methods of a model by their names; `given` receives what they are given, and a copy of it."""
    z = model._standardised(points)[:BATCH]

    def native() -> Any:
        with inside(model):
            x = model._native(z.copy())
        if given is not None:
            given.append((x, z.astype(np.float32) if card.is_torch else z))
        return x

    def learn() -> None:
        own: Any = create(card, model.params)
        own.levels, own.budget_seconds = model.model.levels, SECONDS
        own.classes = getattr(model.model, "classes", 0)
        if not card.is_torch:
            own.fit(native())
            return
        own.build(z.shape[1:])
        own.prepare(native())
        own.train()
        one_step(own, native(), lambda group, loss: None)

    def on_device(call: Callable[[], object], gradients: bool = False) -> Callable[[], object]:
        def called() -> None:
            quiet = nullcontext() if gradients or not card.is_torch else sys.modules["torch"].no_grad()
            with default_device(device), quiet:
                call()

        return called

    calls = {
        "training_step" if card.is_torch else "fit": on_device(learn, gradients=True),
        "sample": on_device(lambda: drawn(model, 8)),
    }
    if card.likelihood != "none":
        densities(model, points[:2])  # or it does not apply
        calls["log_prob"] = on_device(lambda: model.model.log_prob(native()))
    return calls


def global_generators() -> tuple[bytes, ...]:
    """Return the states of the global generators of Python, numpy and torch.

    That of torch is b"" if torch is not imported.
    """
    torch = sys.modules.get("torch")
    numpy: Any = np.random.get_state(legacy=False)["state"]
    return (
        repr(random.getstate()).encode(),
        numpy["key"].tobytes() + bytes(str(numpy["pos"]), "ascii"),
        torch.get_rng_state().numpy().tobytes() if torch else b"",
    )


def _state(thing: Any, prefix: str = "self", depth: int = DEPTH) -> dict[str, bytes]:
    """Return the numbers, arrays and tensors in an object's attributes, as bytes by name."""
    found: dict[str, bytes] = {}
    parts = dict(getattr(thing, "__dict__", {}))
    for inner in ("_parameters", "_buffers", "_modules"):
        parts |= parts.pop(inner, None) or {}
    for name, value in parts.items():
        place = f"{prefix}.{name}"
        if isinstance(value, bool | int | float | np.number):
            found[place] = repr(value).encode()
        elif hasattr(value, "detach"):
            found[place] = value.detach().cpu().numpy().tobytes()
        elif isinstance(value, np.ndarray) and value.dtype.kind != "O":
            found[place] = value.tobytes()
        elif isinstance(value, list | tuple):
            found[place] = repr([v for v in value if isinstance(v, bool | int | float)]).encode() + b"%d" % len(value)
        elif depth and hasattr(value, "__dict__") and (hasattr(value, "_parameters") or not callable(value)):
            found |= _state(value, place, depth - 1)
    return found


RANDOMNESS: tuple[Check, ...] = (
    repeats,
    leaves_seeds_alone,
    leaves_inputs_alone,
    keeps_its_state,
    draws_in_no_order,
)
