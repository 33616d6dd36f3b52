"""Shell completion of names of models, datasets and metrics.

Names are read from the text of the plugins' files. An import of the files would take seconds, because most import
torch.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import typer

__all__ = ["complete", "complete_any", "complete_listed", "known_names"]

WHOLE = {"models": ("all", "zoo"), "datasets": ("all",), "metrics": ("all", "cheap")}
LARGEST = 10**6  # bytes of a plugin's file, by hand: genbench's largest has 15 kB
NAME = re.compile(r"""^@register_(\w+)\(\s*["']([^"'\[\]\s,=]+)["']([^@]*?)\)\n(?:@|class |def )""", re.MULTILINE)
FAMILY = re.compile(r"""\bfamily=["']([^"']+)["']""")
SUITE = re.compile(r"""\bSuite\(\s*["'](\w+)["']""")


def known_names(group: str, plugins: Iterable[str] = ()) -> list[str]:
    """Return the names for a group: its plugins, then families, suites and whole groups.

    Args:
        group: "models", "datasets" or "metrics".
        plugins: files or folders that the user names with --plugin.
    """
    names: dict[str, None] = {}
    families: dict[str, None] = {}
    for text in _texts(group, plugins):
        for kind, name, rest in NAME.findall(text):
            if f"{kind}s" == group or (kind == "peer" and group == "models"):
                names[name] = None
                families |= dict.fromkeys(FAMILY.findall(rest)) if kind != "peer" else {"peers": None}
        if group == "datasets":
            families |= dict.fromkeys(SUITE.findall(text))
    slugs = [family.lower().replace(" ", "-").replace("_", "-") for family in families]
    return [*sorted(names), *sorted({*slugs, *WHOLE[group]} - names.keys())]


def complete(group: str, *first: str) -> Callable[[typer.Context, str], list[str]]:
    """Return a function that completes the last name of a list such as `cfm,dd`.

    Args:
        group: the group of names.
        first: words that can replace names.
    """

    def completed(ctx: typer.Context, incomplete: str) -> list[str]:
        return _completed(incomplete, [*first, *known_names(group, ctx.params.get("plugin") or ())])

    return completed


def complete_listed(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a name of the group that is typed before it: `genbench list metrics w`."""
    group = ctx.params.get("group") or "models"
    return _completed(incomplete, known_names(group, ctx.params.get("plugin") or ()))


def complete_any(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a name of any group."""
    plugins = ctx.params.get("plugin") or ()
    return _completed(incomplete, [name for group in WHOLE for name in known_names(group, plugins)])


def _completed(incomplete: str, names: Iterable[str]) -> list[str]:
    before, comma, begun = incomplete.rpartition(",")
    if incomplete.count("[") > incomplete.count("]"):  # within parameters
        return []
    return list(dict.fromkeys(f"{before}{comma}{name}" for name in names if name.startswith(begun)))


def _texts(group: str, plugins: Iterable[str]) -> Iterator[str]:
    """Yield the texts of the files that may have plugins of a group."""
    spec = importlib.util.find_spec(f"genbench.{group}")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = [file for folder in folders for file in sorted(Path(folder).rglob("*.py"))]
    for plugin in map(Path, plugins):
        files += sorted(plugin.glob("*.py")) if plugin.is_dir() else [plugin]
    for file in files:
        if file.is_file() and file.stat().st_size <= LARGEST:
            yield file.read_text(encoding="utf-8", errors="replace")
