"""Keys of trials: model, dataset, seed, and a hash of all that could change the result."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from genbench.contracts.data_files import file_name

__all__ = ["KEYS", "OPTIONAL", "key_as_written", "key_text", "named", "text_around"]

KEYS = 1  # version of what goes into a key
OPTIONAL = ("steps", "tuned")  # fields of a spec that do not count where they are None


def key_text(facts: Mapping[str, Any]) -> str:
    """Return facts as the text whose hash is part of a key."""
    text = json.dumps({**facts, "schema": KEYS}, sort_keys=True)
    for number in ("Infinity", "-Infinity"):  # which files hold as text
        text = text.replace(f'"{number}"', number)
    return text


def text_around(name: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return the text of facts before and after a number.

    Keys of many seeds differ only in that number.
    """
    mark = secrets.token_hex(16)  # which no fact holds
    before, _, after = key_text({**facts, name: mark}).partition(json.dumps(mark))
    return before, after


def named(model: str, dataset: str, seed: int, text: str) -> str:
    """Return the key of a trial, whose facts are given as text."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{_slug(model)}-{_slug(dataset)}-{seed}-{digest}"


def key_as_written(raw: Mapping[str, Any]) -> str:
    """Return the key of a spec in a file, which may have an earlier form."""
    facts = {name: one for name, one in raw.items() if name != "plugins" and (name not in OPTIONAL or one is not None)}
    data = facts.get("dataset_params")
    if facts.get("data_fingerprint") and isinstance(data, dict) and isinstance(path := data.get("path"), str):
        facts["dataset_params"] = data | {"path": file_name(path)}
    return named(raw["model"], raw["dataset"], raw["seed"], key_text(facts))


def _slug(label: str) -> str:
    """Return a label fit for a file name; long ones are cut, since the hash in the key differs."""
    return re.sub(r"[^A-Za-z0-9_.+=]+", "_", label).strip("_.")[:60] or "x"
