"""Trainings that are killed and go on: to the same weights, bit for bit, or from the start where a file is not theirs."""

import contextlib
import os
import pickle
import random
import warnings

import numpy as np
import pytest
import torch
from weights import same_weights

from genbench.contracts.recipe import Budget, Recipe
from genbench.contracts.torch_model import TorchModel
from genbench.core.errors import GenbenchWarning
from genbench.testing.pretended_device import pretence
from genbench.training.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    Saved,
    numbers,
    random_state,
    read_checkpoint,
    set_numbers,
    set_random_state,
    write_checkpoint,
)
from genbench.training.trainer import Snapshots, TrainingOptions, train

STEPS = 40
X = np.random.default_rng(0).normal(3, 1, (100, 2))
Y = np.arange(100) % 2


class Killed(Exception):
    """What stands for a kill inside of this process."""


class Noisy(TorchModel):
    """All that a training can hang on: torch's, numpy's and Python's random numbers, a buffer, a count, dropout."""

    kill_at: tuple = ()

    def build(self, shape):
        self.net = torch.nn.Sequential(torch.nn.Linear(*shape, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, *shape))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))
        self.count = 0

    def training_loss(self, x, *labels):
        if self.training:
            self.seen += len(x)
            self.count += 1
            if self.count in self.kill_at:
                raise Killed
        noise = torch.randn_like(x) * (1 + self.count / 100) + np.random.rand() + random.random()
        return (self.net(x + noise) - x).square().mean() + sum(label.float().mean() for label in labels)


class Labelled(Noisy):
    conditional = True


class Duel(Noisy):
    def optimizer_groups(self):
        return {"first": self.net[0], "second": self.net[2]}

    def training_step(self, x, update):
        update("first", self.training_loss(x))
        if self.count % 3 == 0:
            update("second", self.training_loss(x))


def trained(model=Noisy, checkpoint=None, kill_at=None, budget=str(STEPS), seed=0, **more):
    """Train; 100 points in batches of 16 are six batches an epoch. Returns the weights and the history."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    it = model()
    it.kill_at = (kill_at,)
    recipe = Recipe(lr=0.01, batch_size=16, **more.pop("recipe", {}))
    labels = (Y, Y[:30]) if model is Labelled else None
    history = train(it, X, X[:30], TrainingOptions(Budget(budget), checkpoint=checkpoint, **more), recipe, labels)
    return it.state_dict(), history


def redrawn(epoch):
    return (X + np.random.default_rng(epoch).normal(size=X.shape)).astype(np.float32)


@pytest.fixture
def checkpoint(tmp_path):
    """Return a function that opens the checkpoint as a new process would; it is written after each step."""
    return lambda identity="me", every=1e-9: Checkpoint(tmp_path / "it.checkpoint.safetensors", identity, every)


@pytest.mark.parametrize("model", [Noisy, Labelled, Duel])
@pytest.mark.parametrize("kills", [(2,), (7, 8), (13, 20, 38)])
def test_a_killed_training_ends_as_an_uninterrupted_one(model, kills, checkpoint):
    whole, history = trained(model, redraw=redrawn)
    for kill_at in kills:
        with pytest.raises(Killed):
            trained(model, checkpoint(), kill_at, redraw=redrawn)
    weights, resumed = trained(model, checkpoint(), redraw=redrawn, seed=99)
    assert same_weights(weights, whole)
    assert resumed.rows == history.rows
    assert resumed.steps == STEPS
    assert resumed.earlier > 0


def test_without_a_checkpoint_the_seed_matters_so_that_the_test_above_says_something():
    assert not same_weights(trained(seed=99)[0], trained()[0])


def test_a_checkpoint_does_not_change_a_training(checkpoint):
    assert same_weights(trained(checkpoint=checkpoint())[0], trained()[0])


def test_batches_in_parts_go_on_too(checkpoint):
    recipe = {"accumulate": 2}
    whole, _ = trained(recipe=recipe)
    with pytest.raises(Killed):
        trained(checkpoint=checkpoint(), kill_at=21, recipe=recipe)
    assert same_weights(trained(checkpoint=checkpoint(), seed=5, recipe=recipe)[0], whole)


@pytest.mark.parametrize("optimiser", ["muon", "soap"])
def test_muon_and_soap_go_on_too(checkpoint, optimiser):
    class Wide(Noisy):
        def build(self, shape):
            super().build(shape)
            self.net.insert(1, torch.nn.Linear(8, 16)).insert(2, torch.nn.Linear(16, 16)).insert(
                3, torch.nn.Linear(16, 8)
            )

    recipe = {"optimiser": optimiser}
    whole, _ = trained(Wide, recipe=recipe)
    with pytest.raises(Killed):
        trained(Wide, checkpoint=checkpoint(), kill_at=21, recipe=recipe)
    assert same_weights(trained(Wide, checkpoint=checkpoint(), seed=5, recipe=recipe)[0], whole)


@pytest.mark.parametrize(
    ("optimiser", "first"), [("adamw", "cpu"), ("adamw", "meta"), ("soap", "meta"), ("muon", "cpu")]
)
def test_a_training_goes_on_on_another_device(checkpoint, optimiser, first):
    """To other weights by rounding alone; the device is pretended, see `genbench.testing.pretended_device`."""
    options = {"recipe": {"optimiser": optimiser}, "budget": "10"}
    whole, _ = trained(**options)
    with pretence(lambda *_: None):
        for device, kill_at in ((first, 5), ({"cpu": "meta", "meta": "cpu"}[first], None)):
            with torch.device(device), contextlib.suppress(Killed):
                weights, _ = trained(checkpoint=checkpoint(), kill_at=kill_at, **options)
        assert next(iter(weights.values())).device.type != first
        weights = {name: value.cpu() for name, value in weights.items()}
    for name, value in whole.items():
        torch.testing.assert_close(weights[name], value, rtol=1e-4, atol=1e-5)


def test_a_finished_training_is_not_trained_again(checkpoint):
    weights, history = trained(checkpoint=checkpoint())
    again, resumed = trained(checkpoint=checkpoint(), kill_at=1)
    assert same_weights(weights, again)
    assert resumed.rows == history.rows


def test_seconds_before_a_kill_count(checkpoint):
    done = []

    class Timed(Noisy):
        def training_loss(self, x):
            if self.training:
                done.append(self.progress)
                if self.kill_at != (None,) and self.progress > 0.5:
                    raise Killed
            return super().training_loss(x)

    with pytest.raises(Killed):
        trained(Timed, checkpoint(), kill_at=-1, budget="0.6s")
    stop = done[-2]
    done.clear()
    _, history = trained(Timed, checkpoint(), budget="0.6s")
    assert stop < done[0] < 0.9
    assert history.earlier == pytest.approx(0.6 * done[0], abs=0.1)


def test_snapshots_before_a_kill_are_kept(checkpoint):
    def snapshots():
        return Snapshots((0.25, 0.5, 1.0), lambda module, share, steps, seconds: {"share": share, "steps": steps})

    seen = snapshots()
    with pytest.raises(Killed):
        trained(checkpoint=checkpoint(), kill_at=15, snapshots=snapshots())
    trained(checkpoint=checkpoint(), snapshots=seen)
    assert seen.rows == [{"share": 0.25, "steps": 10}, {"share": 0.5, "steps": 20}, {"share": 1.0, "steps": 40}]


def flipped(file):
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)


def cut(file):
    file.write_bytes(file.read_bytes()[:-100])


def empty(file):
    file.write_bytes(b"")


def plain(file):
    from safetensors.torch import save_file

    save_file({"w": torch.zeros(2)}, file)


class Bomb:
    def __reduce__(self):
        return os.putenv, ("GENBENCH_BOMB", "1")


def pickled(file):
    file.write_bytes(pickle.dumps(Bomb()))


def other_facts(file):
    """The same tensors, another step, and the old digest."""
    content = file.read_bytes()
    assert content.count(b'\\"steps\\": 19') == 1
    file.write_bytes(content.replace(b'\\"steps\\": 19', b'\\"steps\\": 18'))


def reshaped(file):
    saved = read_checkpoint(file)
    saved.state["model"]["weights"]["net.0.weight"] = torch.zeros(9, 2)
    write_checkpoint(file, saved)


def moments_of_another(file):
    saved = read_checkpoint(file)
    saved.state["players"]["moments"]["loss"]["0"]["exp_avg"] = torch.zeros(3)
    write_checkpoint(file, saved)


def without_average(file):
    saved = read_checkpoint(file)
    del saved.state["average"]
    write_checkpoint(file, saved)


def of_another(file):
    saved = read_checkpoint(file)
    write_checkpoint(file, Saved("cfm-moons-0-123456", saved.about, saved.state))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (flipped, "damaged: its content has another SHA-256"),
        (other_facts, "damaged: its content has another SHA-256"),
        (cut, "damaged or cut short"),
        (empty, "damaged or cut short"),
        (pickled, "damaged or cut short"),
        (plain, "is not a checkpoint of a training run"),
        (of_another, "of another training run, cfm-moons-0-123456"),
        (reshaped, r"net.0.weight has shape \(9, 2\) instead of \(8, 2\)"),
        (moments_of_another, r"loss: moments of parameter 0 have another shape than \(8, 2\)"),
        (without_average, "does not fit: 'average'"),
    ],
)
def test_a_file_that_is_not_this_trainings_is_refused_by_name_and_it_starts_anew(harm, words, checkpoint):
    whole, history = trained()
    with pytest.raises(Killed):
        trained(checkpoint=checkpoint(), kill_at=20)
    harm(checkpoint().file)
    with pytest.warns(GenbenchWarning, match=f"it.checkpoint.safetensors.*{words}.*; the training starts again"):
        weights, again = trained(checkpoint=checkpoint())
    assert same_weights(weights, whole)
    assert again.rows == history.rows
    assert "GENBENCH_BOMB" not in os.environ


def test_another_model_is_refused(checkpoint):
    with pytest.raises(Killed):
        trained(Duel, checkpoint(), 20)
    with pytest.warns(GenbenchWarning, match="optimizer groups first, second instead of loss"):
        weights, _ = trained(checkpoint=checkpoint())
    assert same_weights(weights, trained()[0])


def test_a_full_disk_costs_a_warning_and_not_the_training(checkpoint, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("genbench.training.checkpoint.write_whole", full)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        weights, _ = trained(checkpoint=checkpoint())
    texts = [str(w.message) for w in caught if w.category is GenbenchWarning]
    assert len(texts) == 1
    assert "No space left on device; the training goes on" in texts[0]
    assert same_weights(weights, trained()[0])


def test_a_write_that_fails_leaves_the_checkpoint_before_and_no_rubbish(checkpoint, monkeypatch):
    with pytest.raises(Killed):
        trained(checkpoint=checkpoint(), kill_at=10)
    before = checkpoint().file.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Killed), pytest.warns(GenbenchWarning, match="No space left"):
        trained(checkpoint=checkpoint(), kill_at=20)
    assert [file.name for file in checkpoint().file.parent.iterdir()] == [checkpoint().file.name]
    assert checkpoint().file.read_bytes() == before


def test_a_short_training_writes_none(checkpoint):
    trained(checkpoint=checkpoint(every=60))
    trained(checkpoint=checkpoint(every=0))
    assert not checkpoint().file.exists()


def test_a_tree_comes_back_as_it_was(tmp_path):
    state = {
        "floats": [0.1, float("inf"), 1e-300, True, None],
        "tensors": {
            "empty": torch.zeros(0, 3),
            "scalar": torch.tensor(3.0, dtype=torch.float64),
            "half": torch.arange(3).bfloat16(),
            "whole": torch.arange(4).reshape(2, 2),
            "turned": torch.arange(6.0).reshape(2, 3).T,
        },
        "nothing": {},
    }
    shared = torch.ones(3)
    state["twice"] = {"a": shared, "b": shared}
    file = tmp_path / "x"
    write_checkpoint(file, Saved("me", {"spec": 1}, state))
    saved = read_checkpoint(file)
    assert (saved.identity, saved.about) == ("me", {"spec": 1})
    assert saved.state["floats"] == state["floats"]
    assert saved.state["nothing"] == {}
    for name, tensor in {**state["tensors"], **state["twice"]}.items():
        found = {**saved.state["tensors"], **saved.state["twice"]}[name]
        assert found.dtype == tensor.dtype
        assert torch.equal(found, tensor)
    with pytest.raises(BadCheckpoint, match="No such file"):
        read_checkpoint(tmp_path / "nowhere")


def test_random_numbers_go_on():
    def draw():
        return [random.random(), random.gauss(0, 1), np.random.rand(), np.random.normal(), torch.randn(1).item()]

    draw()
    state = random_state()
    expected = draw()
    draw()
    set_random_state(state)
    assert draw() == expected


def test_numbers_of_modules():
    module = torch.nn.Sequential(torch.nn.Dropout(0.5))
    module.count, module.name, module[0].flag = 3, "a", True
    found = numbers(module)
    assert found[""] == {"count": 3}
    assert found["0"]["flag"] is True
    assert "training" not in found["0"]
    module.count = 4
    set_numbers(module, found)
    assert module.count == 3
