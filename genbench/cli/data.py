"""`genbench data`: what a dataset is, where its files are, and fetching them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genbench.cli.completion import complete
from genbench.cli.help import Command, Group, texts_of
from genbench.cli.options import DataDir, Plugins, read_plugins, say

if TYPE_CHECKING:
    from genbench.contracts.dataset import Dataset
    from genbench.core.downloads import DataFiles

__all__ = ["data"]

data = typer.Typer(
    name="data", cls=Group, help="Show, fetch and export datasets", rich_markup_mode=None, no_args_is_help=True
)
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help='A dataset, or several with commas: "moons[noise=0.1],digits".',
        autocompletion=complete("datasets"),
    ),
]


def fetch(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Fetch all files, even those that are there.")] = False,
    data_dir: DataDir = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Fetch the files of a dataset, and check them.

    Files go to the cache folder. Those that are there already are checked, not fetched.

    genbench data fetch mnist
    genbench data fetch mnist,fashion_mnist --force
    """
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


def info(name: Name, data_dir: DataDir = None, plugin: Plugins = []) -> None:  # noqa: B006
    """Show the facts of a dataset.

    Shape, splits, classes, whether its density is known, source, licence, and where its files are.

    genbench data info moons
    genbench data info mnist
    genbench data info my_table.csv
    """
    for i, (label, dataset) in enumerate(_datasets(name, plugin, data_dir)):
        typer.echo(("\n" if i else "") + label)
        for fact, value in _facts(dataset):
            typer.echo(f"  {fact:<12}{value}")


def export(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help='One dataset, such as "moons[noise=0.1]".', autocompletion=complete("datasets")
        ),
    ],
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the trial whose points are written.")] = 0,
    train: Annotated[
        int | None, typer.Option(metavar="N", min=2, help="Training points of a synthetic dataset. Default: 20,000.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File to write. Default: NAME-seed-SEED.npz.")
    ] = None,
    data_dir: DataDir = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Write the training, validation and test points of a seed to a file.

    Train a model of your own on the same points as genbench, and score its samples with `genbench score` and the same
    seed. The file has the arrays train, validation and test [n, *shape], and labels if there are any.

      genbench data export moons --seed 0
      genbench data export "moons[noise=0.1]" --train 1000 -o moons.npz
    """
    import re

    import numpy as np

    from genbench.core.errors import GenbenchError
    from genbench.core.files import write_whole

    found = list(_datasets(name, plugin, data_dir))
    if len(found) > 1:
        raise GenbenchError(f"'{name}' names {len(found)} datasets, and a file holds one; name one of them")
    label, dataset = found[0]
    plain = re.sub(r"[^A-Za-z0-9_.=+-]+", "_", label).strip("_.")
    file = output or Path(f"{plain}-seed-{seed}.npz")
    if file.exists():
        raise GenbenchError(f"{file} exists already and is not overwritten; choose another --output")
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
        ("density", "known" if dataset.has_density else "unknown"),
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


for _command in (info, fetch, export):
    data.command(_command.__name__, cls=Command, **texts_of(_command))(_command)
