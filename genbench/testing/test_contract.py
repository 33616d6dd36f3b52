"""The checks of plugins as tests, run by `pytest --pyargs`.

An example: `GENBENCH_CHECK=my_model.py pytest --pyargs genbench.testing.test_contract`.

The variable takes what `genbench check` takes. Without it, all models, datasets and metrics are tested that need
neither downloads nor other libraries. Training runs of some seconds are left out unless GENBENCH_CHECK_FAST=0.
"""

from __future__ import annotations

import os
from typing import Any

from genbench.core.libraries import library_of
from genbench.core.registry import REGISTRY, discover
from genbench.testing.contract import CheckOptions, Item, Plugin, items, plugins_of


def _every() -> list[Item]:
    asked = os.environ.get("GENBENCH_CHECK", "").split()
    options = CheckOptions(fast=os.environ.get("GENBENCH_CHECK_FAST", "1") != "0")
    if asked:
        chosen = [plugin for target in asked for plugin in plugins_of(target)]
    else:
        discover()
        cards = [card for group in REGISTRY.values() for card in group.cards.values()]
        chosen = [Plugin(card) for card in cards if not card.variant and not library_of(card)]
    return [item for plugin in chosen for item in items(plugin, options)]


def pytest_generate_tests(metafunc: Any) -> None:
    """Make a test of each check of each plugin."""
    every = _every()
    metafunc.parametrize("check", every, ids=[item.name for item in every])


def test_contract(check: Item) -> None:
    check()
