"""What a run was computed on is what its trials say; older trials leave it to the run's record."""

from genbench.analysis.environments import differences, facts_of, in_words, origin
from genbench.analysis.leaderboard import Leaderboard
from genbench.display.table_view import board_view
from trial_records import record, spec

RECORDED = {
    "libraries": {"genbench": "0.1", "torch": "2.0", "none": None},
    "commit": "old",
    "command": ["x"],
    "cores": 2,
}


def ran(torch="2.13.0", processor="Xeon", device="cpu", threads=1, time="2026-01-01T00:00:00Z", **more):
    facts = {"versions": {"torch": torch}, "processor": processor, "device": device, "threads": threads, "time": time}
    return {"provenance": {"genbench": "0.2", "commit": "new", **facts, **more}}


def trials(*made):
    return [record(spec(model=model, seed=seed), metrics={"w2": 1.0 + seed}, **facts) for model, seed, facts in made]


def test_each_fact_has_the_values_of_its_trials():
    found = facts_of(trials(("a", 0, ran()), ("a", 1, ran("2.14.0")), ("b", 0, ran(cores=8))), RECORDED)
    assert found["torch"] == {"2.13.0": 2, "2.14.0": 1}
    assert in_words(found["torch"]) == "2.13.0 (2 trials), 2.14.0 (1 trial)"
    assert in_words(found["processor"]) == "Xeon"
    assert in_words(found["commit"]) == "new"
    assert found["cores"] == {"8": 1}
    assert "command" not in found
    assert "time" not in found


def test_older_trials_have_what_the_run_s_record_says():
    old, known = {"provenance": {"versions": {"torch": "2.1"}}}, ran()
    found = facts_of(trials(("a", 0, {}), ("a", 1, old), ("b", 0, known)), RECORDED)
    assert found["torch"] == {"2.0": 1, "2.1": 1, "2.13.0": 1}
    assert found["commit"] == {"old": 2, "new": 1}
    assert "none" not in found


def test_the_last_trial_says_which_code_it_was():
    assert origin(trials(("a", 0, {})), RECORDED) == "Last trained by genbench 0.1 at commit old."
    both = trials(("a", 0, ran(time="2026-01-02T00:00:00Z", commit="second")), ("a", 1, ran()))
    assert origin(both, RECORDED) == "Last trained by genbench 0.2 at commit second."
    assert origin(trials(("a", 0, {})), {}) == "Last trained by genbench."


def test_what_was_scored_again_says_by_what():
    scored = {"genbench": "0.3", "commit": "abc", "versions": {"torch": "3"}, "processor": "EPYC", "time": "2027"}
    found = facts_of(trials(("a", 0, ran(scored=scored))), {})
    assert in_words(found["scored again by"]) == "genbench 0.3 at commit abc, torch 3, EPYC"
    assert in_words(found["torch"]) == "2.13.0"


def test_runs_differ_by_values_and_not_by_numbers_of_trials():
    a = facts_of(trials(("a", 0, ran()), ("a", 1, ran())), {})
    b = facts_of(trials(("a", 0, ran(device="cuda (H200)"))), {})
    assert differences(a, b) == ["device: cpu -> cuda (H200)"]


def notes(*made):
    return [note for note in board_view(Leaderboard.of(trials(*made))).notes if "run on" in note]


def test_a_table_of_several_machines_says_so_in_a_line():
    other = ran(processor="EPYC", threads=2)
    assert notes(("a", 0, ran()), ("b", 0, other), ("c", 0, other)) == [
        "d: a was run on Xeon, 1 thread, the others on EPYC, 2 threads."
    ]
    gpu = ran(device="cuda (H200)")
    assert notes(("a", 0, gpu), ("b", 0, ran()), ("c", 0, ran())) == ["d: a was run on cuda (H200), the others on cpu."]
    assert notes(("a", 0, ran()), ("a", 1, gpu)) == ["d: seeds were run on cpu and cuda (H200)."]


def test_nothing_is_said_of_one_machine_and_of_older_records():
    assert not notes(("a", 0, ran()), ("b", 0, ran(time="2026-02-01T00:00:00Z", cores=4)))
    assert not notes(("a", 0, {}), ("b", 0, ran()))
