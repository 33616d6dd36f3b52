"""The requests of `genbench run`.

They come from its options, from an experiment file, or from the record of a run.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genbench.cli.options import read_plugins
from genbench.core.errors import GenbenchError, shown

if TYPE_CHECKING:
    from genbench.core.types import Say
    from genbench.runs.launch import RunOptions
    from genbench.storage.records import RunRecord

__all__ = ["SaveConfig", "Source", "asked_for", "save_config"]

OTHER_NAMES = {"data": "datasets", "plugin": "plugins"}  # of options, as fields of a request
OF_THE_COMMAND = ("context", "source", "again", "save", "why", "quiet")  # and of no request
NOT_REPEATED = ("progress", "retry_failed", "shard", "results", "name")  # by which a command was carried out, or where
LOCAL = "local"

Source = Annotated[
    Path | None,
    typer.Argument(
        metavar="SOURCE",
        help="Experiment file (.toml) with these options; options typed here replace its own. With --again: the folder "
        "of a run.",
    ),
]
SaveConfig = Annotated[
    Path | None,
    typer.Option(
        "--save-config",
        metavar="FILE",
        help="Experiment file (.toml) to write these options to.",
        rich_help_panel="Resume and repeat",
    ),
]


def asked_for(context: typer.Context, given: Mapping[str, Any], tell: Say) -> list[RunOptions]:
    """Return the requests; typed options have priority over an experiment file or a run.

    Args:
        given: the arguments of the command by name.
        tell: called with a line about each part of a run's record that is not repeated.

    Raises:
        GenbenchError: an option, or the content of the source, is wrong.
    """
    from genbench.runs.launch import RunOptions

    source, again = given["source"], given["again"]
    fields = {OTHER_NAMES.get(name, name): value for name, value in given.items() if name not in OF_THE_COMMAND}
    fields |= {"progress": "none" if given["quiet"] else given["progress"], "plugins": read_plugins(given["plugin"])}
    if source is None:
        if again:
            raise GenbenchError("--again needs the folder of a run; write: genbench run results/moons-quick --again")
        requests = [RunOptions(**fields)]
    else:
        typed = {OTHER_NAMES.get(name, name) for name in given if _is_typed(context, name)}
        typed |= {"plugins"} | ({"progress"} if "quiet" in typed else set())
        own = {name: value for name, value in fields.items() if name in typed}
        requests = _from_source(source, again, own, context, tell)
    for request in requests:
        _check_sort(request)
    return requests


def _is_typed(context: Any, name: str) -> bool:
    """Whether an option was typed; typer holds a click of its own or takes the installed one, by its version."""
    return getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"


def _check_sort(request: RunOptions) -> None:
    """Raise an error for a metric that the run will not have, before it starts."""
    from genbench.contracts.metric import select_metrics
    from genbench.core.errors import nearest
    from genbench.core.registry import discover
    from genbench.runs.defaults import Defaults

    sort, metrics = request.sort, request.metrics
    if sort is None:
        return
    discover(tuple(request.plugins), groups=("metrics",))
    selection = metrics if isinstance(metrics, str) else Defaults.of(str(request.budget)).metrics
    chosen = [card.name for card in select_metrics(selection, request.task)]
    if sort not in chosen:
        raise GenbenchError(f"cannot sort by '{sort}', which is no metric of this run{nearest(sort, chosen)}")


def _from_source(
    source: Path, again: bool, typed: Mapping[str, Any], context: typer.Context, say: Say
) -> list[RunOptions]:
    """Return the requests of an experiment file, or with `again` those of a run's record; typed options come before.

    Args:
        typed: fields of `RunOptions` that were typed beside it; `plugins` are added to those of the source.
        context: of `genbench run`, which reads its own commands.
        say: is told what of a record is not repeated.

    Raises:
        GenbenchError: the source is neither, or asks for something wrong.
    """
    from genbench.runs.experiment import read_experiment
    from genbench.runs.launch import RunOptions

    given = list(typed.get("plugins", ()))
    if source.is_dir() or again:
        if not again:
            what = "a run's folder; add --again to run it again" if (source / "run.json").exists() else "a folder"
            raise GenbenchError(f"{source} is {what}; or give an experiment file, such as experiment.toml")
        asked = list(_from_record(source, given, context, say))
    else:
        if not source.exists():
            raise GenbenchError(f"there is no file {source}; give an experiment file, or options such as --models cfm")
        asked = read_experiment(source, given)
    fixed = {"results": source.absolute().parent, "name": source.absolute().name} if again else {}
    rest = {name: value for name, value in typed.items() if name != "plugins"}
    if "name" in rest and len(asked) > 1 and not again:
        raise GenbenchError(
            f"{source} asks for {len(asked)} runs, which cannot all have --name {rest['name']}; leave it out"
        )
    return [RunOptions(**{**one, **fixed, **rest}) for one in asked]


def _from_record(folder: Path, plugins: list[str], context: typer.Context, say: Say) -> Iterator[dict[str, Any]]:
    """Yield what was asked of a run, request by request, as fields of `RunOptions`.

    What a record says is only read: code that it names is not imported unless it is trusted or typed, and no address of
    a cluster is taken from it.

    Raises:
        GenbenchError: there is no run, or its record has no request that can be read.
    """
    from genbench.analysis.run_data import RunData
    from genbench.core.recorded_plugins import code_files, discover_recorded, remedy
    from genbench.core.registry import discover

    record: RunRecord = RunData(folder).record
    discover(tuple(plugins))
    found: dict[str, dict[str, Any]] = {}
    for words in _commands(record):
        asked = _parsed(words, context)
        if asked is None:
            say(f"not run again: {shown(shlex.join(words), 300)}")
            continue
        named = [file for one in asked.pop("plugins", ()) for file in code_files(_in_place(one, plugins))]
        discover_recorded(named)
        if missing := remedy(one for one in named if one not in plugins):
            raise GenbenchError(f"{folder} was run with plugins: {missing}")
        if asked.get("dask", LOCAL) != LOCAL:
            say("the run was carried out on a cluster; type --dask ADDRESS to use one again")
            asked = {name: value for name, value in asked.items() if name not in ("dask", "resources", "retries")}
        asked["plugins"] = list(dict.fromkeys([*plugins, *named]))
        found[repr(sorted(asked.items(), key=str))] = asked
    if not found:
        raise GenbenchError(f"{folder} does not say which `genbench run` made it; type the options of a new one")
    yield from found.values()


def _commands(record: RunRecord) -> Iterator[list[str]]:
    """Yield the commands that a record holds, as words."""
    for request in record.requests:
        words = request.get("command")
        if isinstance(words, str):
            try:
                words = shlex.split(words)
            except ValueError:
                continue
        if isinstance(words, list) and words:
            yield [str(word) for word in words]


def _parsed(words: list[str], context: typer.Context) -> dict[str, Any] | None:
    """Return the options of a `genbench run` command that were typed; None for another command."""
    if words[1:2] != ["run"]:
        return None
    try:
        with context.command.make_context("run", list(words[2:])) as read:
            typed = {name: value for name, value in read.params.items() if _is_typed(read, name)}
    except Exception:  # of the parser, such as an option of another version; or the exit that --help is
        return None
    if "source" in typed or typed.get("why"):
        return None
    return {
        OTHER_NAMES.get(name, name): value
        for name, value in typed.items()
        if name not in (*NOT_REPEATED, *OF_THE_COMMAND)
    }


def _in_place(recorded: str, plugins: list[str]) -> str:
    """Return a recorded plugin as it is named here: a typed one of the same name takes its place."""
    path = Path(recorded).expanduser()
    typed = next((one for one in plugins if Path(one).name == path.name), None)
    return typed or (str(path.resolve()) if path.suffix == ".py" or path.exists() else recorded)


def save_config(file: Path, requests: Sequence[RunOptions]) -> None:
    """Write a request as an experiment file. A file with other content is not overwritten.

    Raises:
        GenbenchError: there are several requests, or the file exists with other content or cannot be written.
    """
    from genbench.core.files import write_whole
    from genbench.runs.experiment_text import as_toml

    if len(requests) > 1:
        raise GenbenchError(f"{len(requests)} runs are requested, and --save-config writes one; leave it out")
    text = as_toml(requests[0], file.absolute().parent)
    if file.exists() and (not file.is_file() or file.read_text(encoding="utf-8", errors="replace") != text):
        raise GenbenchError(f"{file} exists already and is not overwritten; choose another --save-config")
    try:
        write_whole(file.absolute(), lambda out: out.write(text.encode()))
    except OSError as error:
        raise GenbenchError(f"cannot write {file}: {error.strerror or error}; choose another --save-config") from None
