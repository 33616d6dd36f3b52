"""Functions of libraries that a plugin replaces: found, taken back, put in place again."""

import math

import numpy as np
import torch
from torch.nn import functional

from genbench.core.library_patches import applied, taken_back
from genbench.models.flow_matching import CFM


def test_what_is_replaced_is_found_taken_back_and_applied_again():
    """A function, a constant, a method, an inherited method, and a method of a built-in model."""
    owners = [(functional, "silu"), (math, "pi"), (np.random, "normal"), (torch.nn.Linear, "forward"), (CFM, "sample")]
    before = [getattr(*owner) for owner in owners]
    mean = torch.Tensor.mean
    assert "mean" not in vars(torch.Tensor)

    def patched():
        return [getattr(*owner) is not known for owner, known in zip(owners, before, strict=True)]

    with taken_back() as patches:
        functional.silu = functional.relu
        math.pi = 3
        np.random.normal = np.random.standard_normal
        torch.nn.Linear.forward = lambda self, x: x
        torch.Tensor.mean = lambda self: 0
        CFM.sample = lambda self, n: None
        torch.nn.a_new_name = print
    assert not any(patched())
    assert torch.Tensor.mean is mean
    names = {str(patch) for patch in patches}
    assert names == {
        "torch.nn.functional.silu", "math.pi", "numpy.random.normal", "torch.nn.modules.linear.Linear.forward",
        "torch.Tensor.mean", "genbench.models.flow_matching.CFM.sample",
    }  # fmt: skip
    with applied(patches):
        assert all(patched())
        with taken_back() as more:  # what is in place by now is no news
            functional.gelu = functional.relu
        assert [str(patch) for patch in more] == ["torch.nn.functional.gelu"]
    assert not any(patched())
    assert torch.Tensor.mean is mean
    with taken_back() as none:
        pass
    assert not none
    del torch.nn.a_new_name


def test_what_a_library_does_to_itself_is_no_patch():
    """torch wraps its own manual_seed when its compiler is imported, and zuko sets facts of torch's distributions."""
    with taken_back() as patches:
        import torch._dynamo  # noqa: F401
        import zuko  # noqa: F401
    assert not patches
