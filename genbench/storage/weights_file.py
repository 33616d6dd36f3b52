"""Files of weights: tensors by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genbench.core.errors import ContractError
from genbench.core.regular_files import Refused, open_regular

__all__ = ["packed", "read_weights"]

HEADER = 2**24  # bytes of the list of tensors in a file of weights; by hand: that of 100,000 tensors


def packed(weights: Mapping[str, Any]) -> bytes:
    """Return tensors by name as the content of a file.

    Raises:
        ContractError: a tensor is sparse, quantised or without values.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save

    for name, value in weights.items():
        kind = "has no values" if value.is_meta else "is quantised" if value.is_quantized else ""
        if kind := kind or ("is sparse" if value.layout != torch.strided else ""):
            raise ContractError(
                f"the buffer {name!r} {kind}, and no file of weights can hold it; keep it dense, or register it with "
                "persistent=False"
            )
    try:
        return bytes(save({name: value.contiguous().clone() for name, value in weights.items()}))  # tied ones, too
    except (SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
        kinds = ", ".join(dict.fromkeys(str(value.dtype) for value in weights.values()))
        raise ContractError(f"weights of {kinds} cannot be stored: {type(error).__name__}: {error}") from None


def read_weights(file: Path, folder: Path) -> dict[str, Any]:
    """Return the tensors of a file inside a folder, memory-mapped.

    So a file that fits no model is not read completely.

    Raises:
        OSError: the file cannot be opened, or is not a regular file.
        ValueError: it is not a file of tensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with open_regular(file, folder) as opened:
        if int.from_bytes(opened.read(8), "little") > HEADER:
            raise Refused("has a list of tensors that is too long")
    try:
        return dict(load_file(file))
    except SafetensorError as error:
        raise ValueError(str(error)) from None
