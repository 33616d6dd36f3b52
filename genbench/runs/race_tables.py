"""The tables of a run in a race: trials for the next looks, and results of a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.racing import RaceState
from genbench.analysis.scores import card_of
from genbench.contracts.model import MODELS
from genbench.runs.plan import Plan
from genbench.statistics.racing import FIRST, level, next_look
from genbench.storage.races import Look, Race
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import CorruptFile, Store

__all__ = ["Table", "look", "tables_of"]

DECIDED, HOPELESS, MOST, ALONE, TIME = (
    "all is decided",
    "what is open takes more than the most seeds",
    "the most seeds are reached",
    "there are no two models to compare",
    "the time is up",
)


@dataclass
class Table:
    """One table and its race.

    Attributes:
        specs: trials of each model, in the order of seeds.
        most: largest number of seeds for a model.
        before: numbers of seeds at which an earlier, interrupted session looked; these looks are repeated.
        after: number of seeds of the next look.
        seeds: number of seeds of each model that were asked for.
    """

    place: str
    specs: dict[str, list[TrialSpec]]
    most: int
    race: Race
    before: list[int] = field(default_factory=list)
    after: int = FIRST
    seeds: dict[str, int] = field(default_factory=dict)
    state: RaceState | None = None

    @property
    def models(self) -> list[str]:
        """The models that compete."""
        return [model for model in self.specs if self._role(model) == "model"]

    @property
    def replayed(self) -> bool:
        """Whether all looks of earlier sessions have been repeated."""
        return bool(self.race.ended) or len(self.race.looks) >= len(self.before)

    @property
    def trials(self) -> list[TrialSpec]:
        """All trials that were asked for up to now."""
        return [spec for model, n in self.seeds.items() for spec in self.specs[model][:n]]

    def asked(self) -> list[TrialSpec]:
        """Return the trials that the next look needs and no earlier look needed, by seed."""
        found = [spec for model in self._going() for spec in self.specs[model][self.seeds.get(model, 0) : self.after]]
        order = {spec.seed: i for specs in self.specs.values() for i, spec in enumerate(specs)}
        return sorted(found, key=lambda spec: order[spec.seed])

    def begin(self) -> None:
        """Mark the trials of the next look as asked for."""
        self.seeds |= {model: max(self.after, self.seeds.get(model, 0)) for model in self._going()}

    def draft(self) -> Race:
        """Return the race with the next look, which has no results yet."""
        looks = [*(each.seeds for each in self.race.looks), self.after]
        now = Look(seeds=self.after, alpha=level(looks))
        return self.race.model_copy(update={"looks": [*self.race.looks, now]})

    def take(self, board: Leaderboard, metric: str | None) -> None:
        """Record the results of a look, and the seeds of the next one, or why there is none."""
        race = self.draft()
        race.metric = race.metric or metric
        contests = board.contests.get((self.place, race.metric or ""), [])
        rows = [row for row in board.rows if row.place == self.place]
        self.state = now = RaceState.of(contests, rows, [each.seeds for each in race.looks], self.most)
        race.looks[-1].dropped = sorted(now.worse - race.dropped)
        race.looks[-1].open = [each.model for each in now.open]
        if not contests:
            race.ended = ALONE
        elif not now.open:
            race.ended = DECIDED
        elif self.after >= self.most:
            race.ended = MOST
        elif not now.running:
            race.ended = HOPELESS
        done = len(race.looks)
        earlier = self.before[done] if done < len(self.before) else 0
        self.after = min(earlier, self.most) if earlier > self.after else next_look(self.after, self.most)
        self.race = race

    def _going(self) -> list[str]:
        """Return the models that run on.

        Controls do not compete, and nothing is compared with them: the first seeds will do. The oracle trains nothing,
        and every score that has a quotient is divided by its mean, so that it gets the seeds of the models.
        """
        if self.state is None:
            return list(self.specs)
        with_oracle = card_of(self.race.metric or "").ratio
        return [
            model
            for model in self.specs
            if model in self.state.running or (with_oracle and self._role(model) == "oracle")
        ]

    def _role(self, model: str) -> str:
        return MODELS[self.specs[model][0].model_name].role


def tables_of(plan: Plan, most: int, margin: str | None, races: Mapping[str, Race]) -> list[Table]:
    """Return the tables of a plan before their first look.

    `races` are the races of earlier sessions.
    """
    found: dict[str, Table] = {}
    for spec in plan.trials:
        table = found.setdefault(spec.place, Table(spec.place, {}, most, Race(margin=margin)))
        table.specs.setdefault(spec.model, []).append(spec)
    for place, table in found.items():
        table.before = [each.seeds for each in races[place].looks] if place in races else []
        table.after = table.before[0] if table.before else FIRST
    return list(found.values())


def look(tables: Sequence[Table], store: Store, sort: str | None) -> list[TrialRecord]:
    """Look at the scores of tables whose trials are finished, and return their records."""
    records = list[TrialRecord]()
    for table in tables:
        for spec in table.trials:
            try:
                records += [store.read(spec.key)] if store.has(spec.key) else []
            except CorruptFile:
                continue
    if not any(sort in record.metrics for record in records):
        sort = None
    board = Leaderboard.of(records, sort, races={table.place: table.draft() for table in tables})
    for table in tables:
        here = [record for record in records if record.place == table.place]
        shared = any(board.sort in record.metrics for record in here)
        table.take(board, board.sort if shared or not here else Leaderboard.of(here).sort)
    return records
