import random

import numpy as np
import torch

from genbench.core.seeding import generator, isolated, stream, with_threads


def test_streams_differ_by_name_and_seed_and_are_fixed():
    seeds = {stream(seed, name) for seed in range(20) for name in ("data", "training", "sampling", "evaluation")}
    assert len(seeds) == 80
    assert stream(3, "set", 1) == stream(3, "set", 1) != stream(3, "set", 2)


def test_streams_are_uncorrelated():
    # |correlation| of 100,000 normals exceeds 0.0155 by chance with probability 1e-6.
    x, y = (generator(0, name).standard_normal(100_000) for name in ("data", "training"))
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.0155


def test_isolated_repeats_and_leaves_the_global_generators_alone():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    def seed_all():
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)

    seed_all()
    expected = draw()
    seed_all()
    with isolated(7):
        first = draw()
    with isolated(7):
        assert draw() == first
    assert draw() == expected
    with isolated(8):
        assert draw() != first


def test_isolated_sets_one_thread_and_puts_it_back():
    before = torch.get_num_threads()
    with isolated(0):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with with_threads(3), isolated(0):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before
    with isolated(0):
        assert torch.get_num_threads() == 1


def test_isolated_puts_the_generators_of_gpus_back(monkeypatch):
    states = {"all": "as it was"}
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: states["all"])
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", lambda state: states.update(all=state))
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: states.update(all=seed))
    with isolated(5):
        assert states["all"] == 5
    assert states["all"] == "as it was"
