"""Scripts of the benchmarks folder as modules, for tests of what they compute and print."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "benchmarks"


@contextmanager
def script(name: str, *beside: str) -> Iterator[ModuleType]:
    """Import a script, and forget it in the end with those `beside` it that it imports."""
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module(name)
    sys.path.remove(str(FOLDER))
    for module in (name, *beside):
        sys.modules.pop(module, None)
