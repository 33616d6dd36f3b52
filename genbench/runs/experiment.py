"""Experiment files: requests for runs in TOML.

An error names the line and the field.
"""

from __future__ import annotations

import itertools
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genbench.contracts.data_files import is_path, select_datasets
from genbench.contracts.dataset import DATASETS
from genbench.contracts.evidence import Protocol
from genbench.contracts.metric import METRICS, spelled_out
from genbench.contracts.model import MODELS
from genbench.contracts.recipe import Budget
from genbench.core.cards import Card
from genbench.core.errors import GenbenchError, nearest, shown
from genbench.core.parameters import bind
from genbench.core.recorded_plugins import code_files, discover_recorded, remedy
from genbench.core.registry import discover
from genbench.core.regular_files import read_regular
from genbench.core.selection import TUNED, Params, Selection, as_written, parse_list
from genbench.core.toml_lines import line_of_field
from genbench.runs.experiment_fields import Executor, Experiment, Selected
from genbench.runs.grids import expanded
from genbench.runs.launch import RunOptions
from genbench.runs.plan import parse_seeds
from genbench.runs.race import AUTO
from genbench.runs.tuned import asks_for_tuned
from genbench.tasks import load_task

__all__ = ["SUFFIX", "read_experiment"]

SUFFIX = ".toml"
LARGEST = 2**16  # bytes of a file; by hand: a thousand lines, which errors find their place in within a second
NOUNS = {
    "integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false", "list": "a list",
    "dictionary": "a table",
}  # fmt: skip
NO_LIST_OF_NONE = ("models", "data", "datasets", "budget", "budgets", "task", "tasks", "metrics", "seeds")
MOST = 100  # runs of one file; by hand: more budgets and tasks than there are


@dataclass(frozen=True)
class _File:
    """An experiment file: its path, its text, and what was read of it."""

    path: Path
    text: str
    data: dict[str, Any]

    def error(self, field: Sequence[str | int], reason: str) -> GenbenchError:
        """Return an error about a field, with its line."""
        line = line_of_field(self.text, field)
        name = ".".join(shown(part) for part in field if isinstance(part, str))
        return GenbenchError(f"{self.path}{f', line {line}' if line else ''}, {name}: {reason}")

    @contextmanager
    def at(self, *field: str | int) -> Iterator[None]:
        """Say which field an error is about that is raised in the block."""
        try:
            yield
        except GenbenchError as error:
            raise self.error(field, str(error)) from None

    def called(self, *names: str) -> str:
        """Return by which of its names a field is written."""
        return next((name for name in names if name in self.data), names[0])


def read_experiment(path: Path, plugins: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the requests of an experiment file as fields of `RunOptions`.

    There is one for each budget and task.

    Args:
        plugins: files or folders from the command line. Code that the file names is not imported unless it is named
            here, is installed, or is trusted (`genbench trust`).

    Raises:
        GenbenchError: the file cannot be read, or a field is wrong; the message has its line.
    """
    file = _read(path)
    try:
        asked = Experiment.model_validate(file.data)
    except ValidationError as error:
        raise _wrong(file, error) from None
    for field in NO_LIST_OF_NONE:
        if file.data.get(field) in ([], {}):
            raise file.error([field], "it is empty; name at least one, or leave it out")
    used = _plugins(file, asked.plugins, plugins)
    _check(file, asked)
    data = file.called("data", "datasets")
    common = {
        "models": ",".join(_models(file, asked.models)),
        "datasets": ",".join(_datasets(file, data, asked.data)),
        "seeds": asked.seeds,
        "plugins": used,
        "results": asked.results,
        **asked.model_dump(
            include={"max_seeds", "max_time", "margin", "samples", "train", "sort", "previews", "log", "retry_failed"}
        ),
        **asked.executor.model_dump(),
        "tuned": None if asked.tuned is None else str(file.path.parent / asked.tuned),
        "data_dir": None if asked.data_dir is None else str(file.path.parent / asked.data_dir),
        "metrics": None if asked.metrics is None else ",".join(_listed(asked.metrics)),
    }
    _check_together(file, common)
    if asked.name is not None and re.search(r"[/\\]|^\.*$", asked.name):
        raise file.error(["name"], "a name has no folders in it; say where runs go by results")
    budgets, tasks = _listed(asked.budget), _listed(asked.task)
    if len(budgets) * len(tasks) > MOST:
        raise file.error([file.called("budget", "budgets")], f"more than {MOST} runs are asked for; give fewer")
    name, several = asked.name or file.path.stem, len(budgets) * len(tasks) > 1
    requests = []
    for budget, task in itertools.product(budgets, tasks):
        parts = [name, *([str(budget)] if len(budgets) > 1 else []), *([task] if len(tasks) > 1 else [])]
        own = re.sub(r"[^A-Za-z0-9_.=+-]+", "-", "-".join(parts)) if several or asked.name is None else name
        request = common | {"name": own, "budget": str(budget), "task": task}
        requests.append({field: value for field, value in request.items() if value is not None})
    return requests


def _read(path: Path) -> _File:
    try:
        text = read_regular(path, most=LARGEST).decode()
    except OSError as error:
        raise GenbenchError(f"{path}: {error.strerror or error}; give an experiment file") from None
    except UnicodeDecodeError:
        raise GenbenchError(f"{path} is no text in UTF-8; give an experiment file") from None
    try:
        return _File(path, text, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = re.sub(r" \(at (line \d+), column \d+\)$", "", str(error))
        where = re.search(r"at (line \d+)", str(error))
        line = where[1] if where else f"line {text.count(chr(10)) + 1}"
        raise GenbenchError(f"{path}, {line}: {shown(reason)}; write it as TOML") from None


def _wrong(file: _File, error: ValidationError) -> GenbenchError:
    """Return what is wrong with a field, and on which line: the first one in the file."""
    found = []
    for one in error.errors():
        field: list[str | int] = []
        for part in one["loc"]:  # members of a union are named there, too
            inner = line_of_field(file.text, [*field, part])
            field += [part] if inner else []
        found.append((line_of_field(file.text, field), field, one))
    deepest = max(len(field) for _, field, _ in found)
    _, field, one = min((each for each in found if len(each[1]) == deepest), key=lambda each: each[0])
    if one["type"] == "extra_forbidden":
        known = Executor if field[0] == "executor" else Experiment
        name = str(field[-1])
        elsewhere = "; it belongs under [executor]" if name in Executor.model_fields and known is Experiment else ""
        reason = f"there is no such field{elsewhere or nearest(name, list(known.model_fields))}"
    else:
        demands = dict.fromkeys(_demand(each["msg"]) for _, other, each in found if other == field)
        reason = f"it must be {', or '.join(demand.removeprefix('be ') for demand in demands)}"
    if field[:2] == ["executor", "dask"] and one["type"] == "literal_error":
        reason = "a file may ask for 'local' alone; type the address of a cluster: --dask ADDRESS"
    return file.error(field or [str(one["loc"][0])], reason)


def _demand(text: str) -> str:
    """Return what a value must be, of a message of pydantic."""
    demand = text.removeprefix("Input should ").partition(" or instance")[0]
    return next((f"be {noun}" for kind, noun in NOUNS.items() if demand == f"be a valid {kind}"), demand)


def _plugins(file: _File, named: Sequence[str], given: Sequence[str]) -> list[str]:
    """Return the plugins to use, those that were typed and those of the file, which are imported if they may be."""
    discover(tuple(given))
    typed = [Path(one).expanduser().resolve() for one in given]
    used = list(given)
    for n, name in enumerate(named):
        place = (file.path.parent / name).resolve()
        if place in typed or place.parent in typed:
            continue
        source = str(place) if place.exists() or name.endswith(".py") else name
        sources = code_files(source)
        discover_recorded(sources)
        if missing := remedy(sources):
            raise file.error(["plugins", n], f"an experiment file cannot make genbench run code; {missing}")
        used += sources
    return used


def _items(file: _File, field: str, selected: Selected) -> Iterator[tuple[list[str | int], Selection]]:
    """Yield what is selected, with its place in the file."""
    if isinstance(selected, str):
        selected = [selected]
    if isinstance(selected, dict):
        for name, params in selected.items():
            yield [field, name], Selection(name, params)
        return
    for n, one in enumerate(selected):
        place: list[str | int] = [field, n] if isinstance(file.data.get(field), list) else [field]
        if isinstance(one, str):
            with file.at(*place):
                parsed = parse_list(one)
            yield from ((place, each) for each in parsed)
        else:
            params = {name: value for name, value in one.items() if name != "name"}
            if not isinstance(one.get("name"), str):
                raise file.error(place, 'an entry needs a name: name = "…"')
            yield place, Selection(one["name"], params)


def _models(file: _File, selected: Selected) -> Iterator[str]:
    """Yield the models as `--models` takes them, each checked."""
    for place, item in _items(file, "models", selected):
        with file.at(*place):
            chosen = MODELS.select(as_written(item))
        for one in chosen:
            card, params = MODELS[one.name], item.params or one.params
            if asks_for_tuned(card, Selection(card.name, params)):  # looked up when trials are planned
                params = {name: value for name, value in params.items() if name != TUNED}
            _check_params(file, place, card, Selection(card.name, params))
        yield as_written(item)


def _datasets(file: _File, field: str, selected: Selected) -> Iterator[str]:
    """Yield the datasets as `--data` takes them, each checked; paths are from the folder of the file."""
    for place, item in _items(file, field, selected):
        beside = file.path.parent / os.path.expanduser(item.name)
        here = is_path(item.name) or (item.name not in DATASETS.cards and beside.exists())
        found = Selection(str(beside), item.params) if here and beside.exists() else item
        with file.at(*place):
            chosen = select_datasets(as_written(found))
        for one in chosen:
            _check_params(file, place, DATASETS[one.selection.name], one.selection)
        yield as_written(found)


def _check_params(file: _File, place: Sequence[str | int], card: Card, selection: Selection) -> None:
    """Bind the parameters of a selection, one at a time, so that an error names the line of the one that is wrong."""
    with file.at(*place):
        points = expanded(card, selection)
    for point in points:
        try:
            bind(card, point.params)
        except GenbenchError as error:
            texts = getattr(point.params, "texts", {})
            for name, value in point.params.items():
                own = {name: texts[name]} if name in texts else {}
                if line_of_field(file.text, [*place, name]) and not _binds(card, Params({name: value}, own)):
                    raise file.error([*place, name], str(error)) from None
            raise file.error(place, str(error)) from None


def _binds(card: Card, params: Mapping[str, Any]) -> bool:
    try:
        bind(card, params)
    except GenbenchError as error:
        return "needs a value for" in str(error)
    return True


def _check(file: _File, asked: Experiment) -> None:
    """Check what is not checked before trials are planned, so that errors have a line."""
    if asked.seeds is not None and asked.seeds != AUTO:
        with file.at("seeds"):
            parse_seeds(asked.seeds)
    for names, value, check in (
        (("budget", "budgets"), asked.budget, lambda one: Budget(str(one))),
        (("task", "tasks"), asked.task, load_task),
    ):
        field = file.called(*names)
        for n, one in enumerate(_listed(value)):
            with file.at(*([field, n] if isinstance(value, list) else [field])):
                check(one)
    if asked.metrics is not None:
        for n, one in enumerate(_listed(asked.metrics)):
            with file.at(*(["metrics", n] if isinstance(asked.metrics, list) else ["metrics"])):
                METRICS.select(spelled_out(one))


def _check_together(file: _File, request: Mapping[str, Any]) -> None:
    """Check what options say of each other, as a request does."""
    for field in ("samples", "train"):
        with file.at(field):
            Protocol().asked(**{field: request[field]})
    try:
        RunOptions(**{field: value for field, value in request.items() if value is not None})
    except GenbenchError as error:
        named = re.match(r"[a-z_]+", str(error))
        field = named[0] if named else ""
        place = [field] if field in file.data else ["executor", field]
        if not line_of_field(file.text, place):
            raise GenbenchError(f"{file.path}: {error}") from None
        raise file.error(place, str(error)) from None
    if request["sort"] is not None:
        with file.at("sort"):
            _ = METRICS[request["sort"]]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
