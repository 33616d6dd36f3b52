"""Digests of code from earlier versions, in today's form.

Commit 3debc9f and those before it kept a digest for each module by its dotted name; today a spec has one for its model,
its dataset, its task and each metric, whatever the modules are called. `benchmarks/restamp.py` proves which plugins of
that commit have today's syntax trees, and writes the table that is read here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["TABLE", "in_todays_form"]

TABLE = Path(__file__).with_name("earlier_code.json")
UNKNOWN = "unknown"  # the digest of code that no table holds


def in_todays_form(sources: Mapping[str, str], model: str, dataset: str) -> dict[str, str]:
    """Return the digests of a trial's model and dataset, from digests by module.

    Digests of all other code are unknown.
    """
    known = {"model": _digest(sources, f"model {model}"), "dataset": _digest(sources, f"dataset {dataset}")}
    return {**known, "task": UNKNOWN, "evaluation": UNKNOWN}


def _digest(sources: Mapping[str, str], plugin: str) -> str:
    """Return the digest of a plugin, if all its modules were those of the table."""
    table = _table()
    digest, places = table["plugins"].get(plugin, (UNKNOWN, ()))
    modules = [table["modules"][place] for place in places]
    return digest if all(sources.get(name) == known for name, known in modules) else UNKNOWN


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table
