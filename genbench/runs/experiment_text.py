"""A request for a run written as an experiment file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from genbench.contracts.data_files import is_path
from genbench.core.selection import Selection, as_written, parse_list
from genbench.runs.launch import RunOptions

__all__ = ["as_toml"]

EXECUTOR = ("jobs", "threads", "device", "timeout", "checkpoint_every", "dask", "resources", "retries")
LEFT_OUT = ("progress", "shard")  # of how one command is carried out
OTHER_NAMES = {"datasets": "data"}
SHOWN = ("models", "datasets", "budget", "task")  # whatever they are
LOCAL = "local"


def as_toml(options: RunOptions, folder: Path) -> str:
    """Return a request as the text of an experiment file.

    Args:
        folder: the folder of the file; paths of data and plugins are written relative to it.
    """
    given = [(each, getattr(options, each.name)) for each in fields(options) if each.name not in LEFT_OUT]
    asked = {each.name: one for each, one in given if each.name in SHOWN or _differs(one, each.default)}
    asked["models"] = _parts(asked["models"])
    asked["datasets"] = [_portable(one, folder) for one in _parts(asked["datasets"])]
    asked |= {"plugins": [_path(one, folder) for one in asked["plugins"]]} if "plugins" in asked else {}
    asked |= {"data_dir": os.path.abspath(asked["data_dir"])} if "data_dir" in asked else {}
    asked |= {"tuned": _path(str(asked["tuned"]), folder)} if "tuned" in asked else {}
    asked["name"] = options.folder.name
    if isinstance(seeds := asked.get("seeds"), str) and seeds.isdigit():
        asked["seeds"] = int(seeds)
    if asked.get("dask", LOCAL) != LOCAL:  # no file says where code is sent
        asked = {name: value for name, value in asked.items() if name not in ("dask", "resources", "retries")}
    top = [f"{OTHER_NAMES.get(name, name)} = {_value(value)}" for name, value in asked.items() if name not in EXECUTOR]
    below = [f"{name} = {_value(value)}" for name, value in asked.items() if name in EXECUTOR]
    lines = ["# Run it by: genbench run FILE", *top, *(["", "[executor]", *below] if below else [])]
    return "\n".join(lines) + "\n"


def _differs(value: Any, usual: Any) -> bool:
    return value != usual and str(value) != str(usual)


def _parts(selection: str | Sequence[str]) -> list[str]:
    whole = selection if isinstance(selection, str) else ",".join(selection)
    return [as_written(one) for one in parse_list(whole)]


def _portable(text: str, folder: Path) -> str:
    """Return the selection of a dataset whose path is read from the file's folder."""
    (one,) = parse_list(text)
    if not is_path(one.name):
        return text
    return as_written(Selection(_path(one.name, folder), one.params))


def _path(path: str, folder: Path) -> str:
    """Return a path from a folder, where it lies there; else an absolute one; a module's name as it is."""
    if not os.path.exists(os.path.expanduser(path)):
        return path
    whole = Path(os.path.abspath(os.path.expanduser(path)))
    inside = whole.is_relative_to(folder.absolute())
    text = whole.relative_to(folder.absolute()).as_posix() if inside else str(whole)
    return text if "/" in text or "." in text else f"./{text}"


def _value(value: Any) -> str:
    """Return a value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        value = ",".join(f"{name}={one}" for name, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
