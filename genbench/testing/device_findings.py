"""The findings of the device audit: a line of code, what is wrong, and what to do.

The line fails on a GPU or makes it wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["KINDS_OF_FINDING", "Explanation", "Finding"]


@dataclass(frozen=True)
class Explanation:
    """The explanation of a kind of finding: what it usually means, and what to do.

    It also says whether it fails on some device or only costs time.
    """

    meaning: str
    remedy: str
    fails: bool = True


KINDS_OF_FINDING = {
    "mixed devices": Explanation(
        "a tensor that stays on the CPU: from NumPy, made with device='cpu', or held by a module or a global",
        "make it inside the method with torch's functions, or register_buffer it in build, or move it: .to(x.device)",
    ),
    "numpy": Explanation(
        "NumPy reads memory of the CPU alone", "write .cpu().numpy(), or compute with torch, which stays on the device"
    ),
    "float64": Explanation(
        "it works on CPUs and NVIDIA's GPUs; Apple's (mps) have no float64",
        "use float32, or compute on the CPU, or take the type that genbench.nn.float64.widest(x.device) gives",
    ),
    "generator": Explanation(
        "a torch.Generator is for the CPU unless it is made for a device",
        "leave it out, as the engine seeds the global generators; or make torch.Generator(device=x.device)",
    ),
    "left on the CPU": Explanation(
        "it was made of a tensor of the CPU, such as one from NumPy",
        "make it with torch.as_tensor in build, which puts it on the device",
    ),
    "fails": Explanation(
        "the code asks on which device it is, or calls what one kind of device has", "see the message; it runs on a CPU"
    ),
    "moves data": Explanation(
        "the GPU and the CPU wait for each other here, which is slow inside a loop or a training step",
        "do it once, outside of the loop, or compute with tensors",
        fails=False,
    ),
    "not registered": Explanation(
        "model.to(device) and state_dict leave it behind, though the engine, which builds on the device, needs neither",
        "keep it with register_buffer in build",
        fails=False,
    ),
}


@dataclass(frozen=True)
class Finding:
    """One line of code that fails on a GPU, or makes it wait.

    Attributes:
        model, method, case: the model, the method and the data with which it was found first.
        kind: one of `KINDS_OF_FINDING`.
        file, line: the place in the model's code, or in a building block of `genbench.nn`.
        what: what happened.
    """

    model: str
    method: str
    case: str
    kind: str
    file: str
    line: int
    what: str

    @property
    def meaning(self) -> str:
        """What the finding usually means."""
        return KINDS_OF_FINDING[self.kind].meaning

    @property
    def remedy(self) -> str:
        """What to do about the finding."""
        return KINDS_OF_FINDING[self.kind].remedy

    @property
    def fails(self) -> bool:
        """Whether the model fails on some device.

        If not, the finding only costs time, or may cause a failure later.
        """
        return KINDS_OF_FINDING[self.kind].fails

    @property
    def where(self) -> str:
        """The file and line of the finding, as "my_model.py:31"."""
        return f"{Path(self.file).name}:{self.line}"

    def __str__(self) -> str:
        return (
            f"{self.model}.{self.method} at {self.where}: {self.kind}: {self.what} (seen on {self.case}); "
            f"{self.meaning}; {self.remedy}"
        )
