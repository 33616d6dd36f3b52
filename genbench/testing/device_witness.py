"""The recording of events on the pretended device, with the line of the model's code."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from torch import Tensor, nn

from genbench.contracts.model import ModelCard
from genbench.contracts.torch_model import TorchModel
from genbench.core.exception_text import message_of
from genbench.core.user_files import is_of_user
from genbench.testing.device_findings import Finding
from genbench.testing.pretended_device import is_pretended

__all__ = ["Witness"]

BLOCKS = (
    "genbench.nn.",
    "genbench.models.",
    "genbench.testing.controls.",
)  # what of genbench models are made of; the rest is the engine
AUDIT = "genbench.testing.device_audit"
GRADIENT = "_engine_run_backward"  # torch's function that computes gradients
KINDS = {"mixed": "mixed devices", "moved": "moves data"}  # of events that are called otherwise as findings


class Witness:
    """A recorder that makes findings of the events on the pretended device.

    Attributes:
        case: the data on which the model is tried at present.
        found: the findings, by kind, file, line, and names of the tensors of the CPU.
    """

    def __init__(self, card: ModelCard) -> None:
        self.card, self.case = card, ""
        self.found: dict[tuple[str, str, int, str], Finding] = {}

    def note(self, event: str, what: str, alien: tuple[Tensor, ...]) -> None:
        """Record an event: its kind, a description, and the tensors on the CPU in it."""
        frames = list(_outwards(sys._getframe(1)))
        of_code = [frame for frame in frames if self._is_of_model(frame) or _is_of_engine(frame)]
        if not of_code or (event == "moved" and _is_of_engine(of_code[0])):  # the engine's own way, as in `as_numbers`
            return
        if any(frame.f_code.co_name == GRADIENT for frame in frames[: frames.index(of_code[0])]):
            return  # what is wrong in a gradient was so in what it is the gradient of
        frame = next(filter(self._is_of_model, of_code), of_code[0])
        names = [_named(tensor, frame) for tensor in alien]
        shown = [f"{name} {tuple(tensor.shape)} is on the CPU" for name, tensor in zip(names, alien, strict=True)]
        what += f": {' and '.join(shown)}" if shown else ""
        place = frame.f_code.co_filename, frame.f_lineno
        self._add(KINDS.get(event, event), _method(frames), *place, what, " ".join(names))

    def fails(self, method: str, error: Exception) -> None:
        """Record an exception of a method that raises none on the CPU."""
        frames = [(step.tb_frame, step.tb_lineno) for step in _steps(error)]
        ours = [(frame, line) for frame, line in frames if self._is_of_model(frame)] or frames
        frame, line = ours[-1]
        what = f"{type(error).__name__}: {message_of(error)}"
        self._add(
            "fails", _method([frame for frame, _ in reversed(frames)], method), frame.f_code.co_filename, line, what
        )

    def look_at(self, model: Any) -> None:
        """Look for tensors of a model on the device that are on the CPU or not registered."""
        for path, module in model.named_modules():
            known = dict(module.named_parameters(recurse=False)) | dict(module.named_buffers(recurse=False))
            for name, tensor in known.items():
                if not is_pretended(tensor):
                    self._hold("left on the CPU", path, module, name, tensor)
            for name, value in vars(module).items():
                if isinstance(value, Tensor) and self._is_plain(type(module)):
                    self._hold("not registered", path, module, name, value)

    def _hold(self, kind: str, path: str, module: nn.Module, name: str, tensor: Tensor) -> None:
        where = _assignment(type(module), name)
        shown = ".".join(filter(None, ("self", path, name)))
        what = f"{shown} {tuple(tensor.shape)} is {'on the CPU' if kind.startswith('left') else 'a plain attribute'}"
        self._add(kind, "build", *where, what)

    def _add(self, kind: str, method: str, file: str, line: int, what: str, names: str = "") -> None:
        finding = Finding(self.card.name, method, self.case, kind, file, line, what)
        self.found.setdefault((kind, file, line, names), finding)

    def _is_plain(self, owner: type) -> bool:
        """Whether a class is the model's own code or a building block."""
        return owner.__module__.startswith(BLOCKS) or owner.__module__ == self.card.factory.__module__

    def _is_of_model(self, frame: FrameType) -> bool:
        """Whether a frame runs code of the model: its own module, another file of the user, or a building block."""
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("genbench."):
            return module.startswith(BLOCKS)
        same = module.partition(".")[0] == self.card.factory.__module__.partition(".")[0]  # its package
        return same or _is_of_user(frame.f_code.co_filename)


def _is_of_engine(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return module.startswith("genbench.") and not module.startswith((*BLOCKS, "genbench.testing."))


@cache
def _is_of_user(file: str) -> bool:
    return not file.startswith("<") and is_of_user(Path(file))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame and those that it was called from, up to the audit."""
    while frame is not None and frame.f_globals.get("__name__") != AUDIT:
        yield frame
        frame = frame.f_back


def _steps(error: Exception) -> Iterator[Any]:
    """Yield the traceback of an exception from the outermost call on; that of its cause, where it has one."""
    while error.__traceback__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    step = error.__traceback__
    while step is not None:
        yield step
        step = step.tb_next


def _method(frames: list[FrameType], default: str = "fit") -> str:
    """Return the name of the model's method that was called from outside, in frames from the innermost on."""
    names = [
        frame.f_code.co_name
        for frame in frames
        if isinstance(next(iter(frame.f_locals.values()), None), TorchModel) and not _is_of_engine(frame)
    ]
    return names[-1] if names else default


def _named(tensor: Tensor, frame: FrameType) -> str:
    """Return what a tensor of the CPU is called where it is used."""
    place = _address(tensor)

    def same(value: Any) -> bool:
        plain = isinstance(value, Tensor) and not is_pretended(value)
        return plain and place is not None and _address(value) == place

    holder = frame.f_locals.get("self")
    held = vars(holder) if hasattr(holder, "__dict__") else {}
    if isinstance(holder, nn.Module):
        held = held | holder._parameters | holder._buffers
    for names, prefix in ((frame.f_locals, ""), (held, "self."), (frame.f_globals, "")):
        for name, value in names.items():
            if same(value):
                return f"{prefix}{name}"
    return "a tensor"


def _address(tensor: Tensor) -> int | None:
    """Return where the numbers of a tensor are, which its views share; None of one that has no such place."""
    try:
        return tensor.untyped_storage().data_ptr() or None
    except (RuntimeError, NotImplementedError):  # sparse, or inside of torch.func
        return None


def _assignment(owner: type, name: str) -> tuple[str, int]:
    """Return the file and line at which a class sets an attribute or registers a buffer; else those of the class."""
    sets = re.compile(
        rf"self\.{re.escape(name)}\b[^=]*=[^=]|register_(buffer|parameter)\(\s*[\"']{re.escape(name)}[\"']"
    )
    first: tuple[str, int] | None = None
    for cls in owner.__mro__:
        try:
            lines, begin = inspect.getsourcelines(cls)
            file = inspect.getsourcefile(cls) or ""
        except (OSError, TypeError):  # typed into an interpreter, or written in C
            continue
        first = first or (file, begin)
        if found := sets.search("".join(lines)):
            return file, begin + "".join(lines)[: found.start()].count("\n")
    return first or ("interactive", 0)
