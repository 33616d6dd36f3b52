"""A request for a run as a command and as Python code."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["as_code", "as_command"]

OTHER_NAMES = {"datasets": "data", "plugins": "plugin"}  # of options, where they differ from those of `genbench.run`


def as_command(asked: Mapping[str, Any]) -> list[str]:
    """Return the command of a request.

    Args:
        asked: the given arguments of `genbench.run` by name; datasets are selections.

    >>> as_command({"models": ["cfm", "gmm"], "datasets": "moons", "seeds": [4], "retry_failed": True})
    ['genbench', 'run', '--models', 'cfm,gmm', '--data', 'moons', '--seeds', '4,', '--retry-failed']
    """
    words = ["genbench", "run"]
    for name, value in asked.items():
        option = f"--{OTHER_NAMES.get(name, name).replace('_', '-')}"
        if name == "progress":
            words += [option, str(value)] if isinstance(value, str) else [] if value else ["--quiet"]
        elif isinstance(value, Mapping):
            words += [option, ",".join(f"{key}={part}" for key, part in value.items())]
        elif isinstance(value, bool):
            words += [option] if value else []
        elif name == "plugins":
            words += [word for plugin in value for word in (option, str(plugin))]
        elif name == "seeds" and _listed(value):
            words += [option, ",".join(map(str, value)) + ("," if len(value) == 1 else "")]
        else:
            words += [option, ",".join(map(str, value)) if _listed(value) else str(value)]
    return words


def as_code(asked: Mapping[str, Any]) -> str:
    """Return the Python code of a request; its argument is that of `as_command`.

    >>> as_code({"models": "cfm", "datasets": "moons", "seeds": 5})
    "genbench.run(models='cfm', datasets='moons', seeds=5)"
    """
    return f"genbench.run({', '.join(f'{name}={_plain(value)!r}' for name, value in asked.items())})"


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _plain(value: Any) -> Any:
    if _listed(value):
        return [_plain(part) for part in value]
    if hasattr(value, "item"):  # a number of numpy
        return value.item()
    return os.fspath(value) if isinstance(value, Path) else value
