"""`seeds=auto`: look at the scores after three seeds, then add seeds where needed.

That is repeated while verdicts are open.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from genbench.analysis.verdicts import Margin
from genbench.contracts.metric import METRICS
from genbench.core.durations import duration, parse_duration
from genbench.core.errors import GenbenchError, nearest
from genbench.core.types import Say
from genbench.runs.pace import Pace
from genbench.runs.plan import Plan
from genbench.runs.race_tables import TIME, Table, look, tables_of
from genbench.runs.runner import remaining
from genbench.runs.session import Session
from genbench.statistics.racing import FIRST
from genbench.storage.races import Race
from genbench.storage.records import TrialSpec
from genbench.storage.run_record import known
from genbench.storage.store import Store

__all__ = ["AUTO", "MAX_SEEDS", "Terms", "race", "sure"]

AUTO = "auto"
MAX_SEEDS = 20
HOUR = 3600.0


@dataclass(frozen=True)
class Terms:
    """The terms of a race: when it ends, and what it decides.

    Attributes:
        max_seeds: largest number of seeds for a model.
        max_time: seconds; None for any number.
        margin: how much worse than the best a model may be and still count as good; None for the metric's own.
        sort: the metric that decides; None for the first one that all models have.
    """

    max_seeds: int = MAX_SEEDS
    max_time: float | None = None
    margin: str | None = None
    sort: str | None = None

    @classmethod
    def of(cls, max_seeds: int | None, max_time: str | float | None, margin: str | None, sort: str | None) -> Terms:
        """Return the terms from their typed form.

        Raises:
            GenbenchError: a number is out of range or cannot be read.
        """
        most = MAX_SEEDS if max_seeds is None else max_seeds
        if most < FIRST:
            raise GenbenchError(f"max_seeds={most} is too few: seeds=auto begins with {FIRST}; give {FIRST} or more")
        if margin is not None:
            Margin.parse(margin)
        return cls(most, None if max_time is None else parse_duration(max_time), margin, sort)

    def check(self, plan: Plan, tables: Sequence[Table]) -> None:
        """Check, before anything is run, that a race can decide something.

        Raises:
            GenbenchError: the metric is unknown or does not rank models, or no table has two models.
        """
        names = plan.trials[0].metrics
        if self.sort is not None and self.sort not in names:
            hint = nearest(self.sort, list(names))
            raise GenbenchError(f"seeds=auto cannot decide by '{self.sort}', which is no metric of this run{hint}")
        if not any(METRICS[name].ranked for name in ([self.sort] if self.sort else names)):
            what = f"'{self.sort}'" if self.sort else ", ".join(names)
            raise GenbenchError(
                f"seeds=auto cannot decide by {what}, which does not rank models; give a number of seeds"
            )
        if all(len(table.models) < 2 for table in tables):
            raise GenbenchError(
                "seeds=auto compares models, and there are no two for one dataset; name more, or a number of seeds"
            )


def race(session: Session, terms: Terms) -> None:
    """Race all tables of a session until each is decided, or the seeds or the time are used.

    After an interruption, it resumes: finished trials are not run again, and looks are repeated as they were before.

    Raises:
        GenbenchError: it cannot decide anything, or the results can no longer be written.
    """
    store, say = session.store, session.say
    begun = store.read_run().races
    tables = tables_of(session.plan, terms.max_seeds, terms.margin, begun)
    terms.check(session.plan, tables)
    pace = Pace(max(1, session.jobs), terms.max_time)
    first = [spec for table in tables for spec in table.asked()]
    _announce(session, tables, first)
    session.enter(first, {table.place: table.race for table in tables if table.place not in begun})
    if not _pilot(session, tables, first, pace):
        return
    while going := [table for table in tables if not table.race.ended]:
        _fit(going, store, pace)
        going = [table for table in going if not table.race.ended]
        batch = [spec for table in going for spec in table.asked()]
        for table in going:
            table.begin()
        _perform(session, batch, pace, f"look {max((len(t.race.looks) for t in going), default=0) + 1}")
        if going:
            pace.note(look(going, store, terms.sort))
        session.enter(batch, {table.place: table.race for table in tables if table.replayed})
        for table in going:
            say(_progress(table))
    _conclude(tables, pace, say)


def sure(plan: Plan, store: Store, terms: Terms) -> list[TrialSpec]:
    """Return the trials of all looks up to the first look with unfinished trials.

    Nothing is run.
    """
    races: dict[str, Race] = known(store).races
    tables = tables_of(plan, terms.max_seeds, terms.margin, races)
    terms.check(plan, tables)
    found: list[TrialSpec] = []
    while going := [table for table in tables if not table.race.ended]:
        batch = [spec for table in going for spec in table.asked()]
        found += batch
        if remaining(batch, store)[0]:
            break
        for table in going:
            table.begin()
        look(going, store, terms.sort)
    return found


def _perform(session: Session, trials: Sequence[TrialSpec], pace: Pace, heading: str) -> None:
    begin = time.monotonic()
    pace.measure(session.perform(trials, heading, resumed=False), time.monotonic() - begin)


def _pilot(session: Session, tables: Sequence[Table], first: Sequence[TrialSpec], pace: Pace) -> bool:
    """Run the first seed of all models, and say how long the race may take at most.

    Returns:
        whether there is time for the seeds that every race begins with.
    """
    seed = first[0].seed
    pilot = [spec for spec in first if spec.seed == seed]
    _perform(session, pilot, pace, "first seed")
    pace.note(session.store.read(spec.key) for spec in pilot if session.store.has(spec.key))
    whole = [spec for table in tables for model in table.models for spec in table.specs[model]]
    begun, _ = remaining(first, session.store)
    left, _ = remaining(whole, session.store)
    if left:
        session.say(f"auto: at most about {duration(pace.estimate(left))} more, by the time that the first seed took")
    if begun and (takes := pace.estimate(begun)) > pace.left:
        session.say(
            f"auto: the time is up: the first {FIRST} seeds take about {duration(takes)} more; nothing is decided "
            "with one. Give more time, or fewer models or datasets; what is finished is kept"
        )
        return False
    return True


def _fit(tables: Sequence[Table], store: Store, pace: Pace) -> None:
    """Take the next looks at fewer seeds, where the time is too short for all of them, or end the races."""
    if pace.limit is None:
        return
    while todo := remaining([spec for table in tables for spec in table.asked()], store)[0]:
        if pace.estimate(todo) <= pace.left:
            return
        least = [table for table in tables if not table.race.looks or table.after - 1 <= table.race.looks[-1].seeds]
        for table in tables:
            if len(least) == len(tables) and table.race.looks:
                table.race.ended = TIME
            elif table not in least:
                table.after -= 1
        if len(least) == len(tables):
            return


def _announce(session: Session, tables: Sequence[Table], first: Sequence[TrialSpec]) -> None:
    most = sum(len(specs) for table in tables for specs in table.specs.values())
    session.say(
        f"auto: {len(first)} trials with {FIRST} seeds, then more where verdicts are open: "
        f"{most} at most, with {tables[0].most} seeds of everything"
    )
    todo, _ = remaining([spec for table in tables for specs in table.specs.values() for spec in specs], session.store)
    if len(todo) < most:
        session.say(f"{most - len(todo)} of these are finished already in {session.store.path}")


def _progress(table: Table) -> str:
    """Return what a look found."""
    now, last = table.state, table.race.looks[-1]
    assert now
    words = [f"{len(now.worse)} worse" + (f" (now {', '.join(last.dropped)})" if last.dropped else "")]
    words.append(f"open: {', '.join(each.model for each in now.open)}" if now.open else "none open")
    if table.race.ended:
        words.append(table.race.ended)
    else:
        words.append(f"next, up to {table.after} seeds of {', '.join(m for m in table.models if m in now.running)}")
    return f"auto, {table.place}, {table.race.metric}, {last.seeds} seeds: {'; '.join(words)}"


def _conclude(tables: Sequence[Table], pace: Pace, say: Say) -> None:
    """Say what was spent, beside as many seeds for all, and what one more hour would decide."""
    spent = sum(len(table.trials) for table in tables)
    even = sum(len(table.specs) * max(table.seeds.values()) for table in tables)
    most = max(n for table in tables for n in table.seeds.values())
    say(f"auto: {spent} trials; with the same seeds for all, up to {most}, it would have been {even}")
    still = [table for table in tables if table.state and table.state.open]
    for line in [_more(table, pace, len(still)) for table in still]:
        say(line)


def _more(table: Table, pace: Pace, tables: int) -> str:
    """Return about how many seeds would decide what is open in one table, and how much of that an hour buys.

    The hour is shared evenly by the tables in which something is open. Seeds are bought for those models that may be
    the best, since the verdicts rest on them.
    """
    assert table.state
    now, has = table.state, table.race.looks[-1].seeds
    racing = [model for model in table.models if model not in now.worse]
    one_seed = pace.estimate([table.specs[model][0] for model in racing])
    bought = int(HOUR / tables / one_seed) if one_seed > 0 else 0
    share = "one more hour" if tables == 1 else f"its share of one more hour ({duration(HOUR / tables)})"
    decided = [each for each in now.open if each.seeds is not None and each.seeds - has <= bought]
    needs = [f"{each.model} about {each.seeds} seeds" if each.seeds else f"{each.model} no number" for each in now.open]
    verdict = f"would decide {', '.join(each.model for each in decided)}" if decided else "would decide none"
    return (
        f"auto, {table.place}: open models take {', '.join(needs)}; {share} buys about {bought} seeds of the "
        f"{len(racing)} that may be best, and {verdict}"
    )
