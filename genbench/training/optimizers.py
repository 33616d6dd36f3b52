"""Optimisers: AdamW, SOAP, or Muon for the matrices of a network and AdamW for the rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genbench.contracts.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Optimiser", "optimiser"]

NARROWEST = 16  # by hand: rows and columns of a matrix that Muon steps: what enters or leaves a network by few is none


class Optimiser:
    """AdamW or SOAP for each parameter, and Muon for those that `matrices` names.

    Muon replaces the momentum of a matrix by the nearest orthogonal matrix (Jordan et al. 2024), scaled to the size of
    AdamW's steps, so that one rate suits both (Liu et al. 2025, §2.2). A convolution counts as a matrix of its output
    channels by all other dimensions. SOAP is Adam in the eigenbases of a matrix's averaged G Gᵀ and Gᵀ G (Vyas et al.
    2025, algorithm 3): it is expensive for a small network, and cheap where gradients are expensive. Parameters must
    stay at their place in memory.
    """

    def __init__(self, parameters: Sequence[Tensor], recipe: Recipe, matrices: list[int]) -> None:
        from torch import nn
        from torch.optim import Muon

        self.parameters = parameters
        rest = [i for i in range(len(parameters)) if i not in matrices]
        self.flat = {i: nn.Parameter(_matrix(parameters[i].detach())) for i in matrices}
        self.parts: list[tuple[list[int], Any]] = []  # which parameters, and what steps them
        if rest:
            self.parts.append((rest, _adaptive([parameters[i] for i in rest], recipe)))
        if matrices:
            muon = Muon(self.flat.values(), lr=1e-3, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw")
            self.parts.append((matrices, muon))

    def step(self, rate: float) -> None:
        """Update all parameters that have a gradient, with a learning rate."""
        for i, matrix in self.flat.items():
            gradient = self.parameters[i].grad
            matrix.grad = None if gradient is None else gradient.permute(_order(self.parameters[i])).flatten(1)
        for _, part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()

    def state(self) -> dict[int, dict[str, Any]]:
        """Return the moments of each parameter, by its index."""
        states: dict[int, dict[str, Any]] = {}
        for which, part in self.parts:
            (group,) = part.param_groups
            steps = {"step": group["step"]} if "step" in group else {}  # SOAP counts those of all parameters at once
            states |= {which[k]: moments | steps for k, moments in part.state_dict()["state"].items()}
        return states

    def restore(self, state: dict[Any, Any]) -> None:
        """Resume from a state.

        Raises:
            ValueError: a shape is not that of this optimiser's moments.
        """
        found = {int(i): dict(moments) for i, moments in state.items()}
        for which, part in self.parts:
            mine = {k: found[i] for k, i in enumerate(which) if i in found}
            for k, moments in mine.items():
                due = self.flat.get(which[k], self.parameters[which[k]]).shape
                if any(name != "step" and getattr(value, "shape", due) != due for name, value in moments.items()):
                    raise ValueError(f"moments of parameter {which[k]} have another shape than {tuple(due)}")
            (group,) = part.state_dict()["param_groups"]
            if "step" in group:
                group["step"] = max((moments.pop("step") for moments in mine.values()), default=0)
            part.load_state_dict({"state": mine, "param_groups": [group]})


def _adaptive(parameters: list[Tensor], recipe: Recipe) -> Any:
    """Return what steps the parameters that Muon does not."""
    betas, decay = (recipe.beta1, recipe.beta2), recipe.weight_decay
    if recipe.optimiser != "soap":
        from torch.optim import AdamW

        fused = parameters[0].device.type != "meta"  # all devices that compute have the fused step
        return AdamW(parameters, lr=1e-3, betas=betas, weight_decay=decay, fused=fused)
    from pytorch_optimizer import SOAP

    often = recipe.precondition_frequency
    soap = SOAP(parameters, lr=1e-3, betas=betas, weight_decay=decay, precondition_frequency=often)
    soap.param_groups[0]["step"] = 0  # as at its first step; by that its state is told from AdamW's
    return soap


def _order(weight: Tensor) -> list[int]:
    """Return the dimensions of a weight, outputs first and the others as they lie in memory."""
    return [0, *sorted(range(1, weight.ndim), key=weight.stride, reverse=True)]


def _matrix(weight: Tensor) -> Tensor:
    """Return a weight (n, ...) as a matrix (n, m) in the same memory."""
    return weight.permute(_order(weight)).view(len(weight), -1)


def optimiser(parameters: Sequence[Tensor], recipe: Recipe) -> Optimiser:
    """Return the optimiser of a recipe for parameters."""
    wide = [i for i, p in enumerate(parameters) if p.ndim > 1 and min(len(p), math.prod(p.shape[1:])) >= NARROWEST]
    return Optimiser(parameters, recipe, wide if recipe.optimiser == "muon" else [])
