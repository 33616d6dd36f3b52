"""`genbench data`: what a dataset is, where its files are, and fetching them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genbench.cli.options import DataDir, Plugins, read_plugins, say

if TYPE_CHECKING:
    from genbench.contracts.dataset import Dataset
    from genbench.core.downloads import DataFiles

__all__ = ["data"]

data = typer.Typer(name="data", help="What a dataset is, where its files are, and fetching them.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A dataset, with parameters if it needs them; or several.")]


@data.command()
def fetch(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Fetch files anew, even those that are there.")] = False,
    data_dir: DataDir = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Fetch the files of a dataset into the cache folder, and check those that are there."""
    for label, dataset in _datasets(name, plugin, data_dir):
        source: DataFiles | None = getattr(dataset, "files", None)
        if source is None:
            say(f"{label}: {_no_files(dataset)}")
            continue
        for file in source.files:
            paths = [] if force else source.find(file)
            file.read(paths) if paths else paths.append(source.fetch(file))
            for path in paths:
                typer.echo(str(path))


@data.command()
def info(name: Name, data_dir: DataDir = None, plugin: Plugins = []) -> None:  # noqa: B006
    """Show the facts of a dataset: shape, splits, classes, source, licence, and where its files are."""
    for i, (label, dataset) in enumerate(_datasets(name, plugin, data_dir)):
        typer.echo(("\n" if i else "") + label)
        for fact, value in _facts(dataset):
            typer.echo(f"  {fact:<12}{value}")


@data.command()
def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One dataset, with parameters if it needs them.")],
    seed: Annotated[int, typer.Option(min=0, help="The seed of a run whose points to write.")] = 0,
    train: Annotated[
        int | None, typer.Option(min=2, help="Training points of a synthetic dataset. Default: 20,000.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: NAME-seed-SEED.npz here.")
    ] = None,
    data_dir: DataDir = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Write the training, validation and test points of a seed, to train elsewhere on what genbench trains on.

    The file has the arrays train, validation and test [n, *shape], and labels where there are any. What was trained on
    it is scored by `genbench score` with the same seed.
    """
    import re

    import numpy as np

    from genbench.core.errors import GenbenchError
    from genbench.core.files import write_whole

    found = list(_datasets(name, plugin, data_dir))
    if len(found) > 1:
        raise GenbenchError(f"'{name}' are {len(found)} datasets; name one")
    label, dataset = found[0]
    plain = re.sub(r"[^A-Za-z0-9_.=+-]+", "_", label).strip("_.")
    file = output or Path(f"{plain}-seed-{seed}.npz")
    if file.exists():
        raise GenbenchError(f"{file} is there already, and nothing is overwritten; choose another --output")
    arrays = _split_arrays(dataset, seed, train)
    try:
        write_whole(file.absolute(), lambda out: np.savez(out, allow_pickle=False, **arrays))
    except OSError as error:
        raise GenbenchError(f"cannot write {file}: {error.strerror or error}; choose another --output") from None
    shapes = ", ".join(f"{part} {list(array.shape)}" for part, array in arrays.items())
    typer.echo(f"{file}: {shapes}")


def _split_arrays(dataset: Dataset, seed: int, train: int | None) -> dict[str, Any]:
    """Return the points that the trials of a seed get, by the names of the splits, with their labels."""
    from genbench.contracts.dataset import Sizes
    from genbench.core.seeding import stream

    splits = dataset.splits(stream(seed, "data"), Sizes() if train is None else Sizes(train))
    return {part: points for part, points in vars(splits).items() if points is not None}


def _datasets(text: str, plugins: list[str], data_dir: Path | None) -> Iterator[tuple[str, Dataset]]:
    """Yield the datasets of a selection with their labels, while data files are looked for in `data_dir` first."""
    from genbench.contracts.data_files import located, select_datasets
    from genbench.contracts.dataset import DATASETS
    from genbench.core.downloads import use_data_dir
    from genbench.core.parameters import bind, create
    from genbench.core.registry import discover

    with use_data_dir(data_dir):
        paths = tuple(read_plugins(plugins))
        discover(paths) if paths else discover(groups=("datasets",))
        for chosen in select_datasets(text):
            card = DATASETS[chosen.selection.name]
            yield (
                chosen.label(chosen.selection.params),
                create(card, located(card, bind(card, chosen.selection.params))),
            )


def _facts(dataset: Dataset) -> list[tuple[str, str]]:
    """Return the facts of a dataset with their names; an empty name continues the fact above."""
    from genbench.contracts.dataset import Sizes, SyntheticDataset
    from genbench.core.errors import collected_warnings

    sizes = getattr(dataset, "split_sizes", Sizes() if isinstance(dataset, SyntheticDataset) else None)
    cautions: list[str] = []
    if sizes is None:
        with collected_warnings() as cautions:
            splits = dataset.splits(0)
        sizes = Sizes(len(splits.train), len(splits.validation), len(splits.test))
    facts = [
        ("what it is", dataset.card.summary),
        ("kind", dataset.kind),
        ("shape", " × ".join(map(str, dataset.shape))),
        ("splits", f"{sizes.train:,} train, {sizes.validation:,} validation, {sizes.test:,} test"),
        ("classes", str(dataset.classes or "none")),
        ("density", "known" if dataset.has_density else "not known"),
        ("source", dataset.card.source or "not stated"),
    ]
    facts += [("" if i else "read as", line) for i, line in enumerate(dataset.notes)]
    facts += [("caution", line) for line in cautions]
    source: DataFiles | None = getattr(dataset, "files", None)
    if licence := source.licence if source else getattr(dataset, "licence", ""):
        facts.append(("licence", licence))
    if source is None:
        return [*facts, ("files", _no_files(dataset))]
    for file in source.files:
        found = source.find(file)
        facts.append(("file", file.name if found else f"{file.name}, not here; `genbench data fetch` gets it"))
        places = list(map(str, found)) or [mirror + file.name for mirror in source.mirrors]
        facts += [("", place) for place in places]
        facts.append(("", file.checksum))
    return facts


def _no_files(dataset: Dataset) -> str:
    from genbench.contracts.dataset import SyntheticDataset

    return "synthetic, needs no file" if isinstance(dataset, SyntheticDataset) else "nothing to fetch"
