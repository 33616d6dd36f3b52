"""What makes steps of gradients, beside torch's own optimisers and a singular value decomposition."""

import copy
import math

import pytest
import torch

import genbench
from genbench.contracts.recipe import Recipe
from genbench.core.errors import GenbenchError
from genbench.training.optimizers import optimiser

RATE = 0.01


def layers():
    """A matrix, a convolution, and what Muon leaves to AdamW: a bias, a convolution of few channels, a vector."""
    torch.manual_seed(0)
    return torch.nn.ModuleList(
        [torch.nn.Linear(32, 20), torch.nn.Conv2d(16, 24, 3), torch.nn.Conv2d(24, 4, 3), torch.nn.LayerNorm(20)]
    )


def stepped(module, steps, step):
    """Step a module with the same random gradients as any other, by `step`, and return its parameters."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        for parameter in module.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        step()
    return [parameter.detach().clone() for parameter in module.parameters()]


def ours(kind, module, steps=5, **recipe):
    mine = optimiser(list(module.parameters()), Recipe(optimiser=kind, **recipe))
    return stepped(module, steps, lambda: mine.step(RATE))


def test_a_step_of_a_matrix_is_the_nearest_orthogonal_one_to_its_gradient():
    """W − W' = η · 0.2 √max(m, n) · U S Vᵀ for a gradient U Σ Vᵀ, with S near 1 (five Newton–Schulz iterations)."""
    layer = torch.nn.Linear(32, 20, bias=False)
    before = layer.weight.detach().clone()
    (after,) = ours("muon", layer, steps=1)
    u, sigma, vt = torch.linalg.svd(torch.randn(before.shape, generator=torch.Generator().manual_seed(1)))
    size = u.T @ (before - after) @ vt[:20].T / (RATE * 0.2 * math.sqrt(32))
    assert sigma.max() > 4 * sigma.min()
    assert size.diagonal().min() > 0.6
    assert size.diagonal().max() < 1.3
    assert (size - size.diagonal().diag()).abs().max() < 0.05  # bfloat16 inside


def test_matrices_and_convolutions_go_by_muon_and_the_rest_by_adamw():
    module, theirs = layers(), layers()
    flat = [torch.nn.Parameter(theirs[i].weight.detach().view(len(theirs[i].weight), -1)) for i in (0, 1)]
    rest = [p for i, p in enumerate(theirs.parameters()) if i not in (0, 2)]
    muon = torch.optim.Muon(flat, lr=RATE, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(rest, lr=RATE, weight_decay=0.1)

    def step():
        for i in (0, 1):
            flat[i].grad = theirs[i].weight.grad.view(flat[i].shape)
        muon.step()
        adamw.step()

    expected = stepped(theirs, 5, step)
    for mine, theirs in zip(ours("muon", module, weight_decay=0.1), expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_how_a_convolution_lies_in_memory_does_not_matter():
    module = layers()
    module[1].to(memory_format=torch.channels_last)
    for mine, theirs in zip(ours("muon", module), ours("muon", layers()), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=0)  # bfloat16 inside; a step is about 0.01


def test_adamw_is_torchs():
    module, theirs = layers(), layers()
    adamw = torch.optim.AdamW(theirs.parameters(), lr=RATE, betas=(0.5, 0.9), weight_decay=0.1)
    expected = stepped(theirs, 5, adamw.step)
    for mine, theirs in zip(ours("adamw", module, beta1=0.5, beta2=0.9, weight_decay=0.1), expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_soap_is_adam_in_the_eigenbases_of_the_first_gradient():
    """Its first step only sets the bases: G = U Σ Vᵀ. The second gradient H is U (Uᵀ H V / |Uᵀ H V|) Vᵀ, by Adam's first.

    With singular values that differ, the bases are G's singular vectors but for their signs, which cancel.
    """
    layer = torch.nn.Linear(20, 20, bias=False)
    before = layer.weight.detach().clone()
    (after,) = ours("soap", layer, steps=2, beta1=0.0, beta2=0.0)
    generator = torch.Generator().manual_seed(1)
    u, _, vt = torch.linalg.svd(torch.randn(20, 20, generator=generator))
    expected = RATE * u @ (u.T @ torch.randn(20, 20, generator=generator) @ vt.T).sign() @ vt
    torch.testing.assert_close(before - after, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", ["adamw", "muon", "soap"])
def test_what_is_restored_goes_on_as_what_was_saved(kind):
    module, recipe = layers(), Recipe(optimiser=kind)
    first = optimiser(list(module.parameters()), recipe)
    stepped(module, 3, lambda: first.step(RATE))
    again = layers()
    again.load_state_dict(module.state_dict())
    second = optimiser(list(again.parameters()), recipe)
    second.restore(copy.deepcopy(first.state()))
    whole = stepped(module, 2, lambda: first.step(RATE))
    assert all(map(torch.equal, stepped(again, 2, lambda: second.step(RATE)), whole))


def test_moments_of_another_shape_are_refused():
    module = layers()
    mine = optimiser(list(module.parameters()), Recipe(optimiser="muon"))
    stepped(module, 1, lambda: mine.step(RATE))
    state = mine.state()
    state[0]["momentum_buffer"] = state[0]["momentum_buffer"].T
    with pytest.raises(ValueError, match="moments of parameter 0 have another shape than"):
        mine.restore(state)


@pytest.mark.parametrize("kind", ["adamw", "muon", "soap"])
def test_a_parameter_without_a_gradient_stays(kind):
    module = layers()
    mine = optimiser(list(module.parameters()), Recipe(optimiser=kind))
    before = module[0].weight.detach().clone()
    for _ in range(2):
        module[1].weight.grad = torch.ones_like(module[1].weight)
        mine.step(RATE)
    assert torch.equal(module[0].weight, before)


@pytest.mark.parametrize("kind", ["adamw", "muon", "soap"])
def test_an_empty_matrix_is_left_alone(kind):
    """As a network's of one coordinate that reads no other."""
    empty, full = torch.nn.Parameter(torch.zeros(0, 32)), torch.nn.Parameter(torch.zeros(32, 32))
    mine = optimiser([empty, full], Recipe(optimiser=kind))
    for _ in range(2):
        empty.grad, full.grad = torch.zeros(0, 32), torch.eye(32)
        mine.step(RATE)
    assert full.abs().max() > 0


def test_an_unknown_one_is_refused():
    with pytest.raises(GenbenchError, match="optimiser must be one of adamw, muon, soap"):
        genbench.load_model("cfm", optimiser="sgd")
