"""Selection and execution of the remaining trials.

Other drivers may use the same folder.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from genbench.core.errors import GenbenchError
from genbench.core.user_files import content_digest
from genbench.runs.executors.base import Executor, Gate
from genbench.runs.sharing import Sharing
from genbench.runs.stopping import Stop
from genbench.runs.trial import UNFINISHED
from genbench.storage.claims import Claims
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import CorruptFile, Store
from genbench.storage.summaries import Summaries
from genbench.training.checkpoint import BadCheckpoint, read_checkpoint

__all__ = ["Done", "perform_all", "remaining", "tidy", "why"]

Done = Callable[[TrialRecord], None]


def remaining(
    specs: Iterable[TrialSpec], store: Store, retry_failed: bool = False
) -> tuple[list[TrialSpec], list[str]]:
    """Return the trials without a result, or whose data files have changed since then.

    The notes are about corrupt files, which are set aside, and about missing data files.
    """
    todo, notes, gone, finished = [], [], dict[str, None](), Summaries(store)
    for spec in specs:
        try:
            if spec.key in finished:
                one = finished[spec.key]
                changed, lost = data_files(one.files, one.plugins, spec)
                gone |= dict.fromkeys(lost)
                if not changed and not (one.status != "ok" and (retry_failed or one.blameless)):
                    continue
        except CorruptFile as error:
            notes.append(f"{error}; set aside as {store.set_aside(spec.key).name}, its trial runs again")
        todo.append(spec)
    finished.keep()
    notes += [f"caution: {name} is gone; whether results are of today's data is unknown" for name in gone]
    return todo, notes


def data_files(files: Mapping[str, str], plugins: Sequence[str], spec: TrialSpec) -> tuple[list[str], list[str]]:
    """Return which of the files that a trial read have changed, and which are missing.

    They are looked for at their old paths, and relative to the present places of the trial's plugins.

    Args:
        files: digests of the files, by path.
        plugins: the names of the plugins at that time.
        spec: the spec of the trial if it ran today.
    """
    moved = [(Path(old).parent, Path(new).parent) for old, new in zip(plugins, spec.plugins, strict=False)]
    changed, gone = [], []
    for name, digest in files.items():
        path = Path(name)
        places = [path, *(new / path.relative_to(old) for old, new in moved if path.is_relative_to(old))]
        today = [content_digest(place) for place in reversed(places) if place.is_file()]
        if not today:
            gone.append(name)
        elif today[0] != digest:
            changed.append(name)
    return changed, gone


def tidy(specs: Iterable[TrialSpec], store: Store, claims: Claims) -> None:
    """Delete checkpoints of trials that are finished or whose code or data files changed.

    Checkpoints of running trials are kept.
    """
    planned = {spec.identity: spec.key for spec in specs}
    for key, files in store.checkpoints().items():
        try:
            finished = store.has(key) and store.read(key).status not in UNFINISHED
            about = read_checkpoint(files[0]).about
            other_code = planned.get(TrialSpec(**about["spec"]).identity, key) != key
            data = about.get("files", {}).items()
            superseded = other_code or any(content_digest(Path(name)) != digest for name, digest in data)
        except CorruptFile:
            continue
        except (BadCheckpoint, KeyError, TypeError, ValueError):  # if it is of a planned trial, that will say so
            finished, superseded = False, key not in planned.values()
        if (finished or superseded) and claims.holder(key) is None:
            store.discard_checkpoints(key)


def why(todo: Collection[TrialSpec], store: Store) -> Iterator[str]:
    """Yield why each trial has to run.

    Either it has no result, or something changed since the nearest result.
    """
    if not todo:
        return
    finished = Summaries(store)
    for spec in todo:
        if spec.key in finished:
            one = finished[spec.key]
            changed, _ = data_files(one.files, one.plugins, spec)
            yield "; ".join(f"file {name} changed" for name in changed) or "it failed"
            continue
        earlier = [spec.differences(store.read(key).spec) for key in finished.keys_of.get(spec.identity, ())]
        yield "no result yet" if not earlier else "; ".join(sorted(earlier, key=len)[0]) or "its result is missing"
    finished.keep()


def perform_all(
    todo: Sequence[TrialSpec], store: Store, executor: Executor, sharing: Sharing, done: Done, stop: Stop
) -> None:
    """Run trials, and call `done` with each record.

    Records of trials that other drivers run meanwhile are included.

    Raises:
        GenbenchError: the results can no longer be written; finished trials are stored.
        KeyboardInterrupt: the user stopped the run; the workers were stopped or have finished.
    """

    def note(record: TrialRecord) -> None:
        stop.done += 1
        done(record)

    try:
        while todo and not stop.asked:
            with closing(executor.perform(todo, store, Gate(stop.may_begin, sharing.claim))) as records:
                for record in records:
                    sharing.release(record.key)
                    note(record)
            for record in sharing.of_others(stop):
                note(record)
            todo = sharing.left()
    except OSError as error:
        raise GenbenchError(
            f"cannot write to {store.path}: {error.strerror or error}; finished trials are kept, run the command again"
        ) from None
    stop.check()
