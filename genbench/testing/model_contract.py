"""The general checks of models: shapes, types, weights, gradients.

Each check takes a card and parameters, and the device ("cpu" unless given). It fits the model for a few steps, and
returns without a result if it does not apply (a density check for a model without likelihood). `CONTRACT` has all of
them, with those of `model_randomness` and `model_density`; the checks in `trained_model` test what a model has learnt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.contracts.model import ModelCard
from genbench.contracts.optional_methods import (
    SupportsNoising,
    SupportsReconstruction,
    SupportsTrajectory,
    SupportsVelocity,
    supports,
)
from genbench.core.errors import GenbenchError
from genbench.core.hardware import default_device
from genbench.core.parameters import create
from genbench.core.seeding import isolated
from genbench.core.types import Array
from genbench.downstream.capabilities import SHOWS
from genbench.estimator.estimator import Estimator
from genbench.testing.check import Check, DoesNotApply, check, require
from genbench.testing.classifier_contract import classifies
from genbench.testing.device_audit import runs_on_any_device
from genbench.testing.fits import densities, drawn, fitted, inside, material, needs_samples, one_step
from genbench.testing.model_density import DENSITY, follows_units, integrates_on_a_line
from genbench.testing.model_randomness import RANDOMNESS, repeats

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "CONTRACT",
    "follows_units",
    "goes_its_way",
    "integrates_on_a_line",
    "keeps_its_weights",
    "learns_from_all",
    "refuses_nan",
    "repeats",
    "require",
    "shapes",
    "types",
]

NARROW = 4  # bytes of float32, the narrowest type in which samples and densities keep their digits


@check(
    expected="sample(n) gives [n, *shape], log_prob(x) gives [n], all of it finite, for one point and for several",
    meaning="a sum over the wrong axis, a batch axis that was squeezed away, or numbers that overflow",
    methods=("sample", "log_prob", "diagnose"),
)
def shapes(card: ModelCard, params: Mapping[str, Any], d: int | None = None, device: str = "cpu", seed: int = 0) -> str:
    """Samples and densities have the right shape, are float64 and finite.

    It is tested for one point and for several.
    """
    model, x = fitted(card, params, device, d=d, of=seed), material(card, d, seed).points
    for n in (1, 7):
        values: list[tuple[str, Array, tuple[int, ...]]] = [("sample", model.sample(n), (n, *x.shape[1:]))]
        if card.likelihood != "none":
            values.append(("log_prob", densities(model, x[:n]), (n,)))
        for name, value, shape in values:
            of = (name,)
            require(value.shape == shape, f"{card.name}.{name} gave shape {value.shape} for {shape}", methods=of)
            require(value.dtype == np.float64, f"{card.name}.{name} gave {value.dtype}, not float64", methods=of)
            require(bool(np.isfinite(value).all()), f"{card.name}.{name} gave values that are not finite", methods=of)
    numbers = model.diagnose(x[:50])
    require(all(map(math.isfinite, numbers.values())), f"{card.name}.diagnose is not finite: {numbers}")
    return f"points of shape {x.shape[1:]}"


@check(
    expected="numbers of at least 32 bits from sample and log_prob, as the model itself gives them",
    meaning="half precision or whole numbers on the way: scores see a grid; compute in float32 or float64",
    methods=("sample", "log_prob"),
    suspects=r"\.half\(|float16|\.(int|long|short|char|bool|round|trunc|floor)\(|astype\(|dtype=|\.to\(torch",
)
def types(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """The methods return the precision of float32, before the engine converts to float64."""
    model, x = fitted(card, params, device, of=seed), material(card, None, seed).points
    found = {}
    with inside(model) as own:
        found["sample"] = drawn(model, 8)
        if card.likelihood != "none":
            densities(model, x[:8])
            found["log_prob"] = own.log_prob(model._native(model._standardised(x[:8])))
    for name, value in found.items():
        torch_type = getattr(value, "is_floating_point", None)
        dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
        wide = (torch_type() and value.element_size() >= NARROW) if torch_type else _is_wide(dtype)
        require(bool(wide), f"{card.name}.{name} gave {dtype}", methods=(name,))
    return ", ".join(f"{name}: {getattr(value, 'dtype', type(value).__name__)}" for name, value in found.items())


def _is_wide(dtype: Any) -> bool:
    return getattr(dtype, "kind", "f") == "f" and getattr(dtype, "itemsize", NARROW) >= NARROW


@check(
    expected="a trajectory that ends in the samples, and velocities, noised and reconstructed points that are finite",
    meaning="trajectory draws other random numbers than sample, or the clock runs from data to noise",
    methods=("trajectory", "velocity_at", "noised", "reconstruct"),
)
def goes_its_way(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> None:
    """The path from noise to data ends at the samples, and what belongs to it is valid.

    Velocities, noised and reconstructed points, where the model has them, are finite and of the right shape.
    """
    if not any(supports(card.factory, method) for method in (*SHOWS, SupportsReconstruction)):
        raise DoesNotApply("it shows no way from noise to data")
    model, x = fitted(card, params, device, of=seed), material(card, None, seed).points
    if isinstance(model.model, SupportsTrajectory):
        way = model.trajectory(6, seed=1)  # the engine checks the times and shapes
        require(
            np.array_equal(way.points[-1], model.sample(6, seed=1)),
            f"{card.name}.trajectory ends elsewhere",
            methods=("trajectory",),
        )
    shown: list[tuple[str, Callable[[float], Array]]] = []
    if isinstance(model.model, SupportsReconstruction):
        shown.append(("reconstruct", lambda t: model.reconstruct(x)))
    if isinstance(model.model, SupportsVelocity):
        shown.append(("velocity_at", lambda t: model.velocity(x, t)))
    if isinstance(model.model, SupportsNoising):
        shown.append(("noised", lambda t: model.noised(x, t)))
        right = np.abs(model.noised(x, 1.0) - x).mean() < 0.1 * x.std()
        require(bool(right), f"{card.name}.noised at time 1 is not the data", methods=("noised",))
    for name, method in shown:
        for t in (0.0, 0.5, 1.0):
            value = method(t)
            fine = value.shape == x.shape and bool(np.isfinite(value).all())
            found = f"{card.name}.{name} at time {t} gave shape {value.shape} for {x.shape}, or NaN"
            require(fine, found, methods=(name,))


@check(
    expected="an error that says NaN, where a training point holds one",
    meaning="missing values are taken for numbers",
    methods=("fit", "training_loss"),
)
def refuses_nan(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> None:
    """Training points with a NaN are refused with a message that says so."""
    needs_samples(card)
    data = material(card, None, seed)
    x = data.points.copy()
    x[3].flat[-1] = np.nan
    try:
        Estimator(card, params, device).fit(**(data.fit | {"x": x}))
    except GenbenchError as error:
        require("NaN" in str(error), f"the message does not say NaN: {error}")
        return
    raise AssertionError(f"{card.name} was fitted to NaN")


@check(
    expected="the same samples and densities from its stored weights, in a model that was trained otherwise or not",
    meaning="something that sampling or the density needs is no parameter and no buffer; register_buffer it in build",
    methods=("prepare", "build"),
    suspects=r"self\.\w+\s*=\s*(torch\.\w+\(|x\.|\w+\.(mean|std)\()",
)
def keeps_its_weights(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """Stored weights give the same samples in a model of another seed and an untrained one."""
    first, second = (fitted(card, params, device, seed=k, of=seed) for k in (0, 1))
    if not first.weights():
        raise DoesNotApply("it has no weights: it is fitted again instead")
    data = material(card, None, seed)
    same = all(np.array_equal(value, second.weights()[name]) for name, value in first.weights().items())
    require(not same, f"another seed trains the same {card.name}")
    from safetensors.torch import load, save

    stored = load(save({name: value.contiguous() for name, value in first.weights().items()}))
    second.model.load_state_dict(stored)  # type: ignore[attr-defined]
    given = {name: value for name, value in data.fit.items() if name in ("labels", "kind", "levels")}
    restored = Estimator(card, params, device).restore(stored, data.points, **given)
    for what, model in (("loaded weights", second), ("weights loaded into an untrained model", restored)):
        require(np.array_equal(first.sample(50), model.sample(50)), f"{what} give other samples")
        if card.likelihood != "none":
            x = data.points[:20]
            require(np.array_equal(densities(first, x), densities(model, x)), f"{what}: other densities")
    return f"{len(stored)} tensors"


@check(
    expected="a gradient for every parameter, and a say of every point of a batch in a loss",
    meaning="a module that the loss does not use, a loss of the first point alone, or a detach on the way",
    methods=("training_loss", "training_step"),
    suspects=r"\[:\s*1\]|\[0\]|detach\(|no_grad\(",
)
def learns_from_all(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """Every parameter of a torch model gets a gradient; every point of a batch counts."""
    if not card.is_torch:
        raise DoesNotApply("it is not trained by gradients")
    import torch

    like = fitted(card, params, device, of=seed)
    data = material(card, None, seed)
    z = like._standardised(data.points[:64])
    with default_device(device):
        model: Any = create(card, like.params)
    model.levels, model.classes = like.model.levels, getattr(like.model, "classes", 0)
    used: dict[int, bool] = {}
    by_point: list[Tensor] = []

    def update(group: str, loss: Tensor) -> None:
        parameters = [p for p in model.optimizer_groups()[group].parameters() if p.requires_grad]
        *by_weight, of_batch = torch.autograd.grad(loss, [*parameters, x], retain_graph=True, allow_unused=True)
        by_point.extend([] if of_batch is None else [of_batch])
        for p, g in zip(parameters, by_weight, strict=True):
            used[id(p)] = used.get(id(p), False) or (g is not None and bool(torch.isfinite(g).all()))

    with default_device(device), isolated(seed):
        x = torch.tensor(z, dtype=torch.float32)
        model.build(tuple(x.shape[1:]))
        model.prepare(x)
        model.train()
        model.progress = 0.5
        one_step(model, x.requires_grad_(), update)
    idle = [name for name, p in model.named_parameters() if p.requires_grad and not used.get(id(p), False)]
    found = f"parameters of {card.name} without a gradient: {', '.join(idle)}"
    first = idle[0].partition(".")[0] if idle else ""
    require(not idle, found, methods=("build",), suspects=rf"self\.{first}\b.*=")
    if not by_point and data.kind == "image":
        return f"{len(used)} parameters; levels of images are rounded, and have no gradient"
    require(bool(by_point), f"no loss of {card.name} depends on the data")
    say = torch.stack([(g.flatten(1).abs().sum(dim=1) > 0).float().mean() for g in by_point]).max()
    require(float(say) == 1, f"only {float(say):.0%} of a batch have a say in a loss of {card.name}")
    return f"{len(used)} parameters, {len(x)} points"


CONTRACT: tuple[Check, ...] = (
    shapes,
    types,
    *RANDOMNESS,
    goes_its_way,
    refuses_nan,
    *DENSITY,
    keeps_its_weights,
    learns_from_all,
    classifies,
    runs_on_any_device,
)
