"""Counting of network evaluations in a sampler, by hooks.

It is used if the model does not state the number.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["NetworkCalls"]


class NetworkCalls:
    """A counter of the calls of a torch model's networks, inside `counting`.

    A network is a module that is called while no other module runs. The count is that of the network with most calls.
    Hooks see only calls of modules. If functions use a matrix of the model outside of modules more often than any
    module is called, that may be a network, and the number is unknown.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.sizes: dict[int, list[int]] = defaultdict(list)  # of the batches that each outermost module was given
        self.loose: Counter[tuple[int, Any]] = Counter()  # uses of each matrix by each function, outside of modules
        self.hidden = False  # whether a module was compiled in place, which hooks do not see

    @contextmanager
    def counting(self, model: nn.Module) -> Iterator[None]:
        """Count the calls inside the block. The hooks are removed after it; no result changes."""
        from torch.overrides import TorchFunctionMode

        calls = self

        class Uses(TorchFunctionMode):
            def __torch_function__(
                self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
            ) -> Any:
                if not calls.depth and func.__name__ != "__get__":  # not `weight.shape`
                    calls._look(func, args)
                return func(*args, **(kwargs or {}))

        handles = [handle for module in self._visible(model) for handle in self._hooks(module)]
        try:
            with Uses():
                yield
        finally:
            for handle in handles:
                handle.remove()

    def evaluations(self, n: int) -> int | None:
        """Return the evaluations for each of n points; None if they are unknown."""
        if not self.sizes or self.hidden:
            return None
        if max(self.loose.values(), default=0) > max(map(len, self.sizes.values())):
            return None
        return max(_rounds(sizes, n) for sizes in self.sizes.values())

    def _visible(self, module: nn.Module) -> Iterator[nn.Module]:
        """Yield a module and those inside it, except what is inside compiled ones."""
        self.hidden |= getattr(module, "_compiled_call_impl", None) is not None
        yield module
        if not hasattr(module, "_orig_mod"):  # torch.compile(module)
            for child in module.children():
                yield from self._visible(child)

    def _hooks(self, module: nn.Module) -> list[Any]:
        """Return the handles of hooks that note when a module is called and when it is done."""

        def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not self.depth:
                self.sizes[id(module)].append(_size([*args, *kwargs.values()]))
            self.depth += 1

        def leave(*_: Any) -> None:
            self.depth -= 1

        if dynamo := sys.modules.get("torch._dynamo"):  # else each call would compile anew what was compiled
            enter, leave = dynamo.disable(enter), dynamo.disable(leave)
        try:
            before = module.register_forward_pre_hook(enter, with_kwargs=True)
            return [before, module.register_forward_hook(leave, always_call=True)]
        except RuntimeError:  # a scripted module takes none
            self.hidden = True
            return []

    def _look(self, func: Any, args: tuple[Any, ...]) -> None:
        """Note which matrices of the model a function is given."""
        for tensor in args:
            if type(tensor).__name__ == "Parameter" and tensor.ndim > 1:
                self.loose[id(tensor), func] += 1


def _size(values: list[Any]) -> int:
    """Return the points in the first tensor among the arguments of a call; 0 where there is none."""
    tensors: list[Tensor] = [value for value in values if hasattr(value, "ndim") and value.ndim]
    return len(tensors[0]) if tensors else 0


def _rounds(sizes: list[int], n: int) -> int:
    """Return how often a module saw each of n points: calls, or fewer where it saw them in parts."""
    total = sum(sizes)
    in_parts = all(0 < size < n for size in sizes) and total % n == 0
    return total // n if in_parts else len(sizes)
