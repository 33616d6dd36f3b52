"""Pairs for comparison: trials of two runs, or of two models of one run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from genbench.analysis.leaderboard import grouped
from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError, nearest
from genbench.storage.records import TrialRecord, TrialSpec

__all__ = ["Pair", "failures", "find_pairs", "some"]


@dataclass(frozen=True)
class Pair:
    """The trials of one model on one dataset in A, and those in B to compare with them."""

    before: tuple[TrialRecord, ...]
    after: tuple[TrialRecord, ...]

    @property
    def dataset(self) -> str:
        """The label of the dataset, the same in A and B."""
        return self.after[0].place

    def __str__(self) -> str:
        before, after = self.before[0].model, self.after[0].model
        return f"{after if before == after else f'{before} and {after}'} on {self.dataset}"

    @cached_property
    def metrics(self) -> set[str]:
        """The metrics that both sides asked for and at least one of them has."""
        asked = [{name for trial in side for name in trial.metrics} for side in self.sides]
        scored = {name for t in (*self.before, *self.after) for name, value in t.metrics.items() if value is not None}
        return scored & asked[0] & asked[1]

    @cached_property
    def twins(self) -> list[tuple[TrialSpec, TrialSpec]]:
        """The specs of both sides for each common seed; if there is none, the first of each."""
        mine, theirs = ({trial.seed: trial.spec for trial in side} for side in self.sides)
        seeds = sorted(mine.keys() & theirs.keys())
        return [(mine[seed], theirs[seed]) for seed in seeds] or [(self.before[0].spec, self.after[0].spec)]

    @cached_property
    def changes(self) -> list[str]:
        """The differences between the trials, as text.

        For two different models, differences between the models themselves are left out.
        """
        words = []
        for old, new in self.twins:
            alike: dict[str, Any] = {"metrics": old.metrics}
            if old.model_name != new.model_name:
                alike |= {"params": old.params, "sources": old.sources}
            words += new.model_copy(update=alike).differences(old)
        return list(dict.fromkeys(words))

    @cached_property
    def changed_settings(self) -> list[str]:
        """The differences, without those of the code."""
        code = {f"code of {module} changed" for module in self.changed_code}
        return [word for word in self.changes if word not in code]

    @cached_property
    def changed_code(self) -> list[str]:
        """The modules whose code differs between the trials; [] for two different models."""
        sources = [(old.sources, new.sources) for old, new in self.twins if old.model_name == new.model_name]
        return list(dict.fromkeys(m for a, b in sources for m in sorted(a.keys() | b.keys()) if a.get(m) != b.get(m)))

    @cached_property
    def incomparable(self) -> str:
        """The reason why the scores cannot be compared; "" if they can.

        It is other data, or another amount of evidence. Different sizes of the training split are no reason: comparing
        them is useful.
        """
        for old, new in self.twins:
            before, now = asdict(old.protocol), asdict(new.protocol)
            for name in sorted(before.keys() - {"train"}):
                if before[name] != now[name]:
                    return f"{name}: {before[name]} against {now[name]}"
            if _data(old) != _data(new):
                return "different data"
        return ""

    @property
    def likelihoods(self) -> tuple[str, str]:
        """The kinds of log-likelihood of both sides."""
        kinds = [next((t.likelihood for t in side if t.status == "ok"), side[0].likelihood) for side in self.sides]
        return kinds[0], kinds[1]

    @property
    def sides(self) -> tuple[tuple[TrialRecord, ...], tuple[TrialRecord, ...]]:
        """The trials of A, and those of B."""
        return self.before, self.after

    @cached_property
    def failures(self) -> list[str]:
        """How many trials of each side failed, and how, as text."""
        return [f"{name}: {text}" for name, side in zip("AB", self.sides, strict=True) if (text := failures(side))]

    def values(self, metric: str) -> tuple[dict[int, float], dict[int, float]]:
        """Return the scores of both sides by seed.

        They are those of the common seeds, in one order, if there are any.
        """
        x, y = _values(self.before, metric), _values(self.after, metric)
        common = sorted(x.keys() & y.keys())
        return ({s: x[s] for s in common}, {s: y[s] for s in common}) if common else (x, y)


def find_pairs(a: RunData, b: RunData, models: Sequence[str]) -> tuple[list[Pair], list[str]]:
    """Return the pairs to compare, and what only one of the runs has.

    Raises:
        GenbenchError: the runs have nothing in common, a model is unknown, or only one model of one run is named.
    """
    before, after = grouped(a.trials), grouped(b.trials)
    known = list(dict.fromkeys(model for _, model in (*before, *after)))
    for model in models:
        if model not in known:
            raise GenbenchError(f"no model '{model}' in {a.path}{nearest(model, known)}")
    if models and a.path.resolve() == b.path.resolve():
        if len(models) < 2:
            raise GenbenchError(f"'{models[0]}' is one model, and a comparison needs two; name two models of the run")
        datasets = list(dict.fromkeys(dataset for dataset, _ in before))
        chosen = [((d, models[0]), (d, other)) for d in datasets for other in models[1:]]
    else:
        chosen = [(key, key) for key in (before | after) if not models or key[1] in models]
    pairs = [Pair(tuple(before[x]), tuple(after[y])) for x, y in chosen if x in before and y in after]
    if not pairs:
        raise GenbenchError(
            f"{a.path} and {b.path} have no model on a dataset in common: {_listed(before)} against {_listed(after)}"
        )
    lone: dict[tuple[str, str], list[str]] = defaultdict(list)
    for x, y in chosen:
        if (x in before) != (y in after):
            (dataset, model), side = (x, "A") if x in before else (y, "B")
            lone[side, dataset].append(model)
    return pairs, [f"only in {side}: {some(names)} on {dataset}" for (side, dataset), names in lone.items()]


def failures(trials: Sequence[TrialRecord]) -> str:
    """Return how many trials failed, and how, as text: "2 of 3 diverged"."""
    counts = Counter(str(trial.status) for trial in trials if trial.status != "ok")
    return ", ".join(f"{n} of {len(trials)} {status}" for status, n in counts.items())


def some(names: Sequence[str]) -> str:
    """Return the first few of some names, and the number of the others, as text."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _data(spec: TrialSpec) -> tuple[object, ...]:
    return spec.dataset_name, spec.dataset_params, spec.data_fingerprint


def _values(trials: Sequence[TrialRecord], metric: str) -> dict[int, float]:
    return {t.seed: v for t in trials if t.status == "ok" and (v := t.metrics.get(metric)) is not None}


def _listed(groups: Mapping[tuple[str, str], Any]) -> str:
    return some([f"{model} on {dataset}" for dataset, model in groups]) or "nothing finished"
