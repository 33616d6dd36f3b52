"""Checkpoints: the whole state of a training run at some step, in one file.

A run resumes from it bit for bit. A state is a tree of dictionaries and lists whose leaves are tensors or JSON values.
On disk, the tensors are in a safetensors file, and the rest is JSON in its header, so that reading executes no code. A
digest of both detects a damaged file, and the identity detects a file of another training run.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from genbench.core.errors import GenbenchError, GenbenchWarning
from genbench.core.files import write_whole

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "SUFFIX",
    "BadCheckpoint",
    "Checkpoint",
    "Saved",
    "load_module",
    "misfits",
    "numbers",
    "random_state",
    "read_checkpoint",
    "set_numbers",
    "set_random_state",
]

SUFFIX = ".checkpoint.safetensors"
FORMAT = 2
PLACE, ORDER = "tensor at", "dimensions"  # what stands in the JSON for a tensor: where it is, and how it lay in memory
Tree = dict[str, Any]


class BadCheckpoint(GenbenchError):
    """A file from which training cannot resume. The text names the file and the reason."""


class Resumable(Protocol):
    """A training run with a state that can be stored and restored."""

    def state(self) -> Tree:
        """Return everything that changes during training."""

    def restore(self, state: Tree) -> None:
        """Resume from a state.

        Raises:
            ValueError, KeyError, TypeError: the state belongs to another training run.
        """


@dataclass(frozen=True)
class Saved:
    """The content of a checkpoint's file: identity, description, and state."""

    identity: str
    about: dict[str, Any]
    state: Tree


class Checkpoint:
    """The file from which a training run resumes after its process was killed.

    Args:
        file: the path of the file.
        identity: identity of the training run; a file of another run is refused.
        every: seconds between two checkpoints; 0 means no checkpoints.
        about: further JSON values for the file, such as the spec of a trial.
    """

    def __init__(self, file: Path, identity: str, every: float = 60.0, about: Mapping[str, Any] | None = None) -> None:
        self.file, self.identity, self.every, self.about = file, identity, every, dict(about or {})
        self.used, self._warned, self._last = False, False, time.monotonic()

    def resume(self, training: Resumable) -> bool:
        """Resume a new training run from the file, and return whether it resumed.

        A damaged file, or a file of another training run, is refused with a GenbenchWarning.
        """
        if not self.every or not self.file.exists():
            return False
        untouched = copy.deepcopy(training.state())
        try:
            saved = read_checkpoint(self.file)
            if saved.identity != self.identity:
                raise BadCheckpoint(f"{self.file} is of another training run, {saved.identity}")
            training.restore(saved.state)
        except (BadCheckpoint, ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
            training.restore(untouched)
            reason = str(error) if isinstance(error, BadCheckpoint) else f"{self.file} does not fit: {_line(error)}"
            warnings.warn(f"{reason}; the training starts again", GenbenchWarning, stacklevel=2)
            return False
        self.used, self._last = True, time.monotonic()
        return True

    def offer(self, training: Resumable, last: bool = False) -> None:
        """Write the state of a training run if it is time.

        The `last` state is written if the training run has written any before. A full disk causes one GenbenchWarning,
        and training continues.
        """
        if not self.every or not (self.used if last else time.monotonic() - self._last >= self.every):
            return
        try:
            write_checkpoint(self.file, Saved(self.identity, self.about, training.state()))
            self.used = True
        except OSError as error:
            if not self._warned:
                text = f"no checkpoint was written to {self.file}: {error.strerror or error}; the training goes on"
                warnings.warn(text, GenbenchWarning, stacklevel=2)
            self._warned = True
        self._last = time.monotonic()


def write_checkpoint(file: Path, saved: Saved) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    state = _without_tensors(saved.state, "", tensors)
    facts = json.dumps({"format": FORMAT, "identity": saved.identity, "about": saved.about, "state": state})
    payload = save(tensors, {"facts": facts, "sha256": _digest(facts, tensors)})
    write_whole(file, lambda out: out.write(payload))


def read_checkpoint(file: Path) -> Saved:
    """Return the content of a checkpoint.

    Raises:
        BadCheckpoint: the file cannot be read, is cut short, was changed, or is not a checkpoint.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        payload = file.read_bytes()
        tensors = load(payload)
        header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")]).get("__metadata__", {})
    except OSError as error:
        raise BadCheckpoint(f"{file} cannot be read: {error.strerror or error}") from None
    except (SafetensorError, ValueError) as error:
        raise BadCheckpoint(f"{file} is damaged or cut short ({_line(error)})") from None
    if not {"facts", "sha256"} <= header.keys():
        raise BadCheckpoint(f"{file} is not a checkpoint of a training run")
    if _digest(header["facts"], tensors) != header["sha256"]:
        raise BadCheckpoint(f"{file} is damaged: its content has another SHA-256 than was written")
    facts = json.loads(header["facts"])
    if facts["format"] != FORMAT:
        raise BadCheckpoint(f"{file} was written by another version of genbench (format {facts['format']})")
    return Saved(facts["identity"], facts["about"], _with_tensors(facts["state"], tensors))


def _without_tensors(tree: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Return a tree with the place in `tensors` of each of its tensors, of which copies are put there."""
    import torch

    if isinstance(tree, Mapping):
        return {str(name): _without_tensors(part, f"{path}/{name}", tensors) for name, part in tree.items()}
    if isinstance(tree, list):
        return [_without_tensors(part, f"{path}/{i}", tensors) for i, part in enumerate(tree)]
    if isinstance(tree, torch.Tensor):
        order = sorted(range(tree.ndim), key=tree.stride, reverse=True)  # sums over another layout end in other bits
        tensors[path] = tree.detach().to("cpu", copy=True).permute(order).contiguous()
        return {PLACE: path, ORDER: order}
    return tree


def _with_tensors(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return a tree with the tensors in their places."""
    if isinstance(tree, list):
        return [_with_tensors(part, tensors) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.keys() == {PLACE, ORDER}:
        order = tree[ORDER]
        return tensors[tree[PLACE]].permute(sorted(range(len(order)), key=order.__getitem__))
    return {name: _with_tensors(part, tensors) for name, part in tree.items()}


def _digest(facts: str, tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the facts and of each tensor's name, type, shape and bytes."""
    import torch

    digest = hashlib.sha256(facts.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def misfits(own: Mapping[str, Any], weights: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with weights for a module with a known state, as text."""
    missing, unexpected = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    words = [
        f"{what} {', '.join(names)}" for what, names in (("missing", missing), ("unexpected", unexpected)) if names
    ]
    for name in sorted(own.keys() & weights.keys()):
        due, found = tuple(own[name].shape), tuple(weights[name].shape)
        if due != found:
            words.append(f"{name} has shape {found} instead of {due}")
    return words


def load_module(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load weights into a module.

    Raises:
        ValueError: their names or shapes are not the module's.
    """
    if wrong := misfits(module.state_dict(), weights):
        raise ValueError("; ".join(wrong))
    module.load_state_dict(dict(weights))


def numbers(module: nn.Module) -> dict[str, dict[str, float]]:
    """Return the plain numbers in the attributes of a module and its submodules.

    An example is a count of steps.
    """
    found = {
        path: {name: n for name, n in vars(inner).items() if isinstance(n, int | float) and name != "training"}
        for path, inner in module.named_modules()
    }
    return {path: values for path, values in found.items() if values}


def set_numbers(module: nn.Module, found: Mapping[str, Mapping[str, float]]) -> None:
    """Restore the numbers that `numbers` returned."""
    inside = dict(module.named_modules())
    for path, values in found.items():
        for name, value in values.items():
            setattr(inside[path], name, value)


def random_state() -> Tree:
    """Return the states of Python's, numpy's and torch's global generators."""
    import torch

    name, words, *rest = np.random.get_state()
    version, numerals, gauss = random.getstate()
    state: Tree = {
        "python": [version, list(numerals), gauss],
        "numpy": [name, [int(word) for word in words], *rest],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = {str(i): device for i, device in enumerate(torch.cuda.get_rng_state_all())}
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: Tree) -> None:
    """Restore the states that `random_state` returned."""
    import torch

    version, numerals, gauss = state["python"]
    random.setstate((version, tuple(numerals), gauss))
    np.random.set_state(tuple(state["numpy"]))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(list(state["cuda"].values()))
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])


def _line(error: Exception) -> str:
    """Return an error in one line."""
    return " ".join(str(error).split()) or type(error).__name__
