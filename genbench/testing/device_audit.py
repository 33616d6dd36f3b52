"""The device audit: it finds, without a GPU, what in a torch model would fail on one.

A model is fitted for a few steps, and all its methods are called, on the device of `genbench.testing.pretended_device`
and for each kind of data that it accepts. What would fail on a GPU becomes a finding, with the line of the model's code
or of the building block that it uses. `genbench.testing.model_contract` has the audit among its checks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from genbench.contracts.model import Model, ModelCard
from genbench.core.types import Array
from genbench.downstream.imputation import fill
from genbench.estimator.estimator import Estimator
from genbench.testing.check import CheckFailed, DoesNotApply, check
from genbench.testing.device_findings import Finding

__all__ = ["CASES", "Case", "audit", "runs_on_any_device"]

POINTS, HELD_OUT, DRAWN, LEVELS, CLASSES, STEPS = 64, 16, 5, 17, 3, 2  # by hand: as little as reaches every line

Call = Callable[[Estimator], object]


@dataclass(frozen=True)
class Case:
    """Data on which models are tried: kind and shape, with or without labels.

    Labels are for models that are conditional.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    labelled: bool = False

    def points(self) -> Array:
        """Return POINTS points [n, *shape].

        They are normal with correlations, or images with LEVELS grey levels.
        """
        rng = np.random.default_rng(0)
        if self.kind == "image":
            return (rng.integers(0, LEVELS, size=(POINTS, *self.shape)) + 0.5) / LEVELS
        return 1 + rng.standard_normal((POINTS, *self.shape)).cumsum(axis=-1)


CASES = (
    Case("the plane", "points", (2,)),
    Case("16 dimensions", "points", (16,)),
    Case("a table", "table", (5,)),
    Case("a series", "series", (12,)),
    Case("images 1×8×8", "image", (1, 8, 8)),
    Case("images 1×18×18", "image", (1, 18, 18)),  # from 257 values on models of images take other networks
    Case("the plane, with labels", "points", (2,), labelled=True),
    Case("images 1×8×8, with labels", "image", (1, 8, 8), labelled=True),
)


@check(
    expected="nothing that fails on a GPU, though there be none here (docs/devices.md)",
    meaning="a tensor that stays on the CPU, or float64, which Apple's GPUs do not have",
    methods=("training_loss", "sample", "log_prob"),
)
def runs_on_any_device(
    card: ModelCard,
    params: Mapping[str, Any],
    device: str = "cpu",
    seed: int = 0,
    quick: bool = False,
) -> str:
    """No method of a torch model fails on a GPU, see `audit`.

    The CheckFailed has a line for each fault.

    This check always uses the pretended device. A quick check tries only the first kind of data that the model accepts,
    without labels.
    """
    if not card.is_torch:
        raise DoesNotApply("it is no torch model, and lives on the CPU")
    cases = [case for case in CASES if case.kind in card.kinds][: 1 if quick else None]
    if faults := [found for found in audit(card, params, cases) if found.fails]:
        first = faults[0]
        raise CheckFailed("\n".join(map(str, faults)), f"{first.meaning}; {first.remedy}", line=first.where)
    return f"tried on {', '.join(case.name for case in cases)}"


def audit(card: ModelCard, params: Mapping[str, Any] | None = None, cases: Sequence[Case] = CASES) -> list[Finding]:
    """Return what in a torch model fails on a GPU or makes it wait, in the order found.

    Each line of code is named once for each kind of finding. A model is tried on the cases of the kinds that it
    accepts, and on those with labels if its constructor has the parameter `conditional`. What fails on the CPU too is
    not a finding.
    """
    if not card.is_torch:
        return []
    from genbench.testing.device_witness import Witness

    witness = Witness(card)
    for case in cases:
        if case.kind in card.kinds and (not case.labelled or "conditional" in card.signature):
            _try(card, dict(params or {}), case, witness)
    return list(witness.found.values())


def _try(card: ModelCard, params: dict[str, Any], case: Case, witness: Any) -> None:
    """Fit a model to a case and call all its methods, on the pretended device."""
    from genbench.testing.pretended_device import DEVICE, pretence

    params |= {"precision": "float32"} | ({"conditional": True} if case.labelled else {})
    witness.case = case.name
    with warnings.catch_warnings(), pretence(witness.note):
        warnings.simplefilter("ignore")
        try:
            model = _fitted(card, params, case, DEVICE.type)
        except Exception as error:
            if _fine(lambda: _fitted(card, params, case, "cpu")):
                witness.fails("fit", error)
            return
        witness.look_at(model.model)
        for name, call in _calls(model, case).items():
            try:
                call(model)
            except Exception as error:
                if _fine(lambda call=call: call(_fitted(card, params, case, "cpu"))):  # type: ignore[misc]
                    witness.fails(name, error)


def _fine(attempt: Callable[[], object]) -> bool:
    """Whether something raises no exception."""
    try:
        attempt()
    except Exception:
        return False
    return True


def _fitted(card: ModelCard, params: Mapping[str, Any], case: Case, device: str) -> Estimator:
    """Return a model after some steps of training on a case."""
    x, labels = case.points(), np.arange(POINTS) % CLASSES
    given = {"kind": case.kind, "classes": CLASSES, "budget": str(STEPS)}
    return Estimator(card, params, device).fit(
        x[HELD_OUT:],
        x[:HELD_OUT],
        labels=labels[HELD_OUT:],
        validation_labels=labels[:HELD_OUT],
        levels=LEVELS if case.kind == "image" else None,
        **cast(Any, given),
    )


def _calls(model: Estimator, case: Case) -> dict[str, Call]:
    """Return the calls of an estimator by which the methods of its model are reached, by the names of these."""
    x, given = case.points()[:DRAWN], {"labels": 1} if case.labelled else {}
    inner = cast(Any, model.model)
    calls: dict[str, Call] = {"sample": lambda model: model.sample(DRAWN), "diagnose": lambda model: model.diagnose(x)}
    if model.card.likelihood != "none":
        calls["log_prob"] = lambda model: model.log_prob(x, **given)
    decode: Call = lambda model: model.decode(model.encode(x))  # noqa: E731
    if not hasattr(inner, "to_latent"):
        decode = lambda model: model.decode(model.draw_codes(DRAWN))  # noqa: E731
    optional: dict[str, Call] = {
        "trajectory": lambda model: model.trajectory(DRAWN, **given),
        "to_latent": lambda model: model.encode(x),
        "from_latent": decode,
        "reconstruct": lambda model: model.reconstruct(x),
        "velocity_at": lambda model: model.velocity(x, 0.5),
        "noised": lambda model: model.noised(x, 0.5),
        "noise_level": lambda model: model.noise_level(0.5),
        "forecast": lambda model: model.forecast(x[:, :-1]),
    }
    calls |= {name: call for name, call in optional.items() if hasattr(inner, name)}
    if getattr(inner, "repaintable", False):
        calls["noise_grid"] = lambda model: model.apply(x, lambda z: _repainted(model.model, z), "fill")
    if type(inner).conditional_sample is not Model.conditional_sample:
        known = np.arange(x[0].size).reshape(x[0].shape) == 0
        calls["conditional_sample"] = lambda model: fill(model, x[:1], known, DRAWN)
    if case.labelled:
        calls["sample"] = lambda model: (model.sample(DRAWN), model.counted_calls())
    else:
        restored: dict[str, Any] = {"kind": case.kind, "levels": LEVELS if case.kind == "image" else None}
        calls["load_state_dict"] = lambda model: model.restore(model.weights(), case.points(), **restored)
    return calls


def _repainted(model: Any, z: Any) -> Any:
    """Return points with all but the first coordinate drawn anew, in few steps."""
    import torch

    from genbench.nn.repaint import repaint

    known = torch.arange(z[0].numel()) < 1
    return repaint(model, z.flatten(1), known, steps=3, repeats=2).unflatten(1, z.shape[1:])
