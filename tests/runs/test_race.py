"""`seeds="auto"` from end to end, with models that train in no time."""

import re

import pytest

import genbench
from genbench.core.durations import duration, parse_duration
from genbench.core.errors import GenbenchError
from genbench.runs.launch import RunOptions, explain
from genbench.runs.pace import Pace
from genbench.storage.races import Look, Race
from trial_records import record, spec

MODELS = "standard_normal,standard_normal[width=1.01],standard_normal[width=2],gaussian"
SHORT = {"budget": "smoke", "samples": 200, "metrics": "sliced_w2", "jobs": 0, "progress": False, "name": "r"}


def race(folder, good, models=MODELS, **more):
    said = []
    facts = SHORT | {"seeds": "auto", "max_seeds": 5, "margin": "40%", "plugins": [good]} | more
    return genbench.run(models, "blob", results=folder, say=said.append, **facts), said


def seeds(run):
    found = {}
    for trial in run.trials:
        found.setdefault(trial.model, set()).add(trial.seed)
    return {model: len(those) for model, those in found.items()}


@pytest.fixture(scope="module")
def raced(tmp_path_factory, good):
    return race(tmp_path_factory.mktemp("race"), good)


WIDE = "standard_normal[width=2.0]"


def test_a_model_that_is_worse_gets_no_more_seeds_and_the_oracle_keeps_up(raced):
    run, _ = raced
    assert seeds(run) == {"oracle": 5, "standard_normal": 5, "standard_normal[width=1.01]": 5, WIDE: 3, "gaussian": 3}


def test_the_record_has_the_looks_and_the_table_their_verdicts(raced):
    kept = raced[0].record.races["blob"]
    assert (kept.metric, kept.margin) == ("sliced_w2", "40%")
    assert [look.seeds for look in kept.looks] == [3, 5]
    assert kept.looks[0].dropped == [WIDE]
    assert sum(look.alpha for look in kept.looks) < 0.05
    rows = {row.model: row.metrics["sliced_w2"] for row in genbench.load_run(raced[0].path).leaderboard().rows}
    assert rows[WIDE].verdict == "worse"
    assert rows["gaussian"].verdict is None
    assert {rows["standard_normal"].verdict, rows["standard_normal[width=1.01]"].verdict} == {"best", "as good"}


def test_it_says_what_it_may_spend_what_it_found_and_what_it_spent(raced):
    said = "\n".join(raced[1])
    assert "15 trials with 3 seeds" in said
    assert "25 at most" in said
    assert f"3 seeds: 1 worse (now {WIDE})" in said
    assert "5 seeds: 1 worse; none open; all is decided" in said
    assert "auto: 21 trials; with the same seeds for all, up to 5, it would have been 25" in said


def test_what_is_decided_gets_no_more_seeds(tmp_path, good):
    run, said = race(tmp_path, good, f"standard_normal,{WIDE}")
    assert seeds(run) == {"oracle": 3, "standard_normal": 3, WIDE: 3}
    assert any("all is decided" in line for line in said)


def test_an_interrupted_race_resumes_and_a_finished_one_trains_nothing(raced, good):
    run, _ = raced
    files = {f: f.read_bytes() for f in (run.path / "trials").glob("*.json")}
    last = [f for f in files if "-4-" in f.name]
    assert len(last) == 3
    for file in last[:2]:
        file.unlink()
    options = RunOptions(MODELS, "blob", "auto", max_seeds=5, margin="40%", plugins=[good], results=run.path.parent,
                         **{k: v for k, v in SHORT.items() if k != "seeds"})  # fmt: skip
    assert explain(options, print)[-1] == "2 of 21 trials would run, and up to 4 more where verdicts are open"
    again, _ = race(run.path.parent, good)
    assert set((run.path / "trials").glob("*.json")) == files.keys()
    assert again.record.races == run.record.races
    times = {f: f.stat().st_mtime_ns for f in files}
    race(run.path.parent, good)
    assert {f: f.stat().st_mtime_ns for f in files} == times


def test_what_the_most_seeds_would_not_decide_gets_none(raced, good):
    run, said = race(raced[0].path.parent, good, margin="1%", max_seeds=8)
    kept = run.record.races["blob"]
    assert ([look.seeds for look in kept.looks], kept.looks[0].open) == ([3], ["standard_normal"])
    assert any("what is open takes more than the most seeds" in line for line in said)
    assert re.search(r"one more hour buys about \d+ seeds of the 2 that may be best", said[-1])


def test_a_race_goes_on_from_the_looks_that_there_were(raced, good):
    store = raced[0].store
    record = store.read_run()
    record.races["blob"] = Race(looks=[Look(seeds=3, alpha=0.0075), Look(seeds=4, alpha=0.0097)])
    store.write_run(record)
    run, _ = race(store.path.parent, good)
    assert [look.seeds for look in run.record.races["blob"].looks] == [3, 4], "a first race goes from 3 to 5"


def test_time_that_is_too_short_for_three_seeds_leaves_one(tmp_path, good):
    run, said = race(tmp_path, good, f"standard_normal,{WIDE}", max_time=1e-6)
    assert seeds(run) == {"oracle": 1, "standard_normal": 1, WIDE: 1}
    assert any("the time is up" in line for line in said)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"max_seeds": 2}, "max_seeds=2 is too few"),
        ({"max_time": "soon"}, "time 'soon' cannot be read"),
        ({"max_time": "0h"}, "leaves nothing to run"),
        ({"margin": "ten"}, "margin 'ten' is neither"),
        ({"seeds": 3, "max_seeds": 5}, "needs seeds=auto"),
        ({"seeds": None, "max_seeds": None, "max_time": "2h"}, "needs seeds=auto"),
        ({"sort": "w3"}, "no metric of this run"),
        ({"models": "standard_normal"}, "compares models"),
        ({"metrics": "self_consistency"}, "does not rank models"),
    ],
)
def test_what_cannot_be_raced_is_refused_before_anything_is_run(tmp_path, good, asked, message):
    with pytest.raises(GenbenchError, match=message):
        race(tmp_path, good, **asked)
    assert not list(tmp_path.rglob("trials/*.json"))


def test_durations_are_read_and_written():
    assert [parse_duration(text) for text in ("2h", "1h30m", "90min", "45s", "1.5h", 20)] == [
        7200, 5400, 5400, 45, 5400, 20,
    ]  # fmt: skip
    for text in ("h", "2d", "1h30", "-2h", ""):
        with pytest.raises(GenbenchError):
            parse_duration(text)
    assert [duration(s) for s in (0.2, 45, 600, 7200, 9000)] == ["1 s", "45 s", "10 min", "2 h", "2 h 30 min"]


def test_time_is_estimated_from_trials_and_what_is_around_them():
    pace = Pace(workers=2)
    done = [record(spec(seed=s), cost={"train_seconds": 4.0, "score_seconds": 1.0}) for s in range(4)]
    pace.measure(done, 14.0)  # 28 worker seconds for 20 seconds of training and scores
    assert pace.beside == pytest.approx(2)
    assert pace.estimate([spec(seed=s) for s in range(4, 10)]) == pytest.approx(6 * 7 / 2)
    assert pace.estimate([spec(model="other")]) == pytest.approx(7), "one trial is not divided by the workers"
    assert pace.left == float("inf")
