import heapq

import numpy as np
import pytest

from genbench.runs.pace import TimeLeft
from trial_records import record, spec


def finished(s, seconds):
    return record(s, cost={"train_seconds": seconds})


@pytest.mark.parametrize(("workers", "beside"), [(1, 0.0), (2, 0.0), (2, 0.5), (8, 0.2)])
def test_the_time_left_is_right_to_a_quarter_from_a_third_of_the_way_on(workers, beside):
    """Ten models whose trials take 1 to 10 s, six seeds, done seed by seed; or to half of the longest trial."""
    rng = np.random.default_rng(0)
    trials = [spec(model=f"m{k}", seed=seed) for seed in range(6) for k in range(10)]
    seconds = {s.key: (1 + int(s.model[1:])) * rng.uniform(0.9, 1.1) for s in trials}
    now, guesses, running, waiting = 0.0, [], [], list(trials)
    left = TimeLeft(trials, workers, clock=lambda: now)
    assert left() is None
    while waiting or running:
        while waiting and len(running) < workers:
            s = waiting.pop(0)
            heapq.heappush(running, (now + seconds[s.key] + beside, s.key, s))
        now, key, s = heapq.heappop(running)
        left.done(finished(s, seconds[key]))
        guesses.append((now, left()))
    for at, guess in guesses[20:-workers]:
        assert guess == pytest.approx(now - at, rel=0.25, abs=5.0)
    assert guesses[-1][1] == 0


def test_earlier_trials_tell_before_the_first_is_done():
    trials = [spec(model=model, seed=seed) for model in ("slow", "quick") for seed in range(1, 5)]
    earlier = [finished(spec(model="slow"), 10.0), finished(spec(model="quick"), 1.0)]
    left = TimeLeft(trials, 1, earlier, clock=lambda: 0.0)
    assert left() == 44.0


def test_it_runs_down_between_two_trials():
    now = 0.0
    left = TimeLeft([spec(seed=seed) for seed in (1, 2)], 1, [finished(spec(), 10.0)], clock=lambda: now)
    assert left() == 20.0
    now = 4.0
    assert left() == 16.0
    now = 100.0
    assert left() == 0.0


def test_models_that_failed_at_once_say_nothing_of_those_that_run():
    """Of an unknown model, a trial takes at least as long as has been waited since the last one ended."""
    now = 0.0
    left = TimeLeft([spec(model="slow", seed=seed) for seed in range(4)], 1, [finished(spec(model="quick"), 1.0)],
                    clock=lambda: now)  # fmt: skip
    assert left() == 4.0
    now = 60.0
    assert left() == 180.0
