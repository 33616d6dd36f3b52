"""Compute beside a kernel: seconds of the reference machine, whatever this one is and whatever else it does."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genbench.contracts.recipe import Budget, Recipe
from genbench.contracts.torch_model import TorchModel
from genbench.training import compute as module
from genbench.training.calibration import KERNEL_MS, Kernel
from genbench.training.compute import LOOKS, Compute, Meter
from genbench.training.step_time import measured_step_ms
from genbench.training.trainer import TrainingOptions, train

X = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
KERNEL = Kernel()


class Heavy(TorchModel):
    """A step does the kernel's work twice, and the first one thirty times more, as one that imports a library."""

    recipe = Recipe(lr={"loss": 0.1}, batch_size=10)

    def build(self, shape):
        self.mean = torch.nn.Parameter(torch.zeros(shape))
        self.fresh = True

    def training_loss(self, x):
        for _ in range(2 + 30 * self.fresh):
            KERNEL.run()
        self.fresh = False
        return (x - self.mean).square().mean()


def test_the_kernel_changes_nothing_around_it_and_is_the_same_work_each_time():
    torch.set_num_threads(2)
    try:
        kernel = Kernel()
        before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
        with torch.no_grad():
            kernel.run()
            first = [weight.clone() for weight in kernel.weights]
            kernel.run()
            assert not torch.is_grad_enabled()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert all(torch.equal(a, b) for a, b in zip(first, kernel.weights, strict=True))
    assert not torch.equal(first[0], kernel.first[0])  # it did learn
    torch.testing.assert_close(torch.get_rng_state(), before[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before[1:]


def test_the_kernel_is_that_of_float32_whatever_the_default_is():
    torch.set_default_dtype(torch.float64)
    try:
        kernel = Kernel()
        assert kernel.run() > 0
    finally:
        torch.set_default_dtype(torch.float32)
    assert {t.dtype for t in (*kernel.weights, *kernel.moments, kernel.x)} == {torch.float32}


def test_a_step_that_is_two_kernels_takes_two_of_them():
    """A quarter is far beyond the noise of a median of seven quotients, each of 40 kernels: the first step is left out,
    which alone would add a half to a block."""
    torch.manual_seed(0)
    ms = measured_step_ms(Heavy(), X, X[:10], TrainingOptions(Budget("1")))
    assert ms == pytest.approx(2 * KERNEL_MS, rel=0.25)


def test_a_step_is_timed_without_being_able_to_diverge():
    class Steep(TorchModel):
        recipe = Recipe(lr=1e6, batch_size=10, warmup=0.0)

        def build(self, shape):
            self.mean = torch.nn.Parameter(torch.ones(shape))

        def training_loss(self, x):
            return (self.mean**8).sum()

    assert measured_step_ms(Steep(), X, X[:10], TrainingOptions(Budget("1"))) > 0


@pytest.fixture
def clock(monkeypatch):
    """A processor that works only when told to, whose kernel takes 3 ms: half of the reference machine's."""
    now = SimpleNamespace(process=0.0, thread=0.0, wall=0.0, kernel=0.003)

    def run(self):
        now.wall += now.kernel
        return now.kernel

    monkeypatch.setattr(Kernel, "run", run)
    monkeypatch.setattr(module, "_process_time", lambda: now.process)
    monkeypatch.setattr(module, "time", SimpleNamespace(thread_time=lambda: now.thread, perf_counter=lambda: now.wall))

    def work(seconds, threads=1):
        now.process, now.thread, now.wall = now.process + threads * seconds, now.thread + seconds, now.wall + seconds

    return SimpleNamespace(now=now, work=work)


def done(meter, clock, steps=(0.5, 0.1, 0.1, 0.1), start=1.0, **more):
    with meter.start():
        clock.work(start)
    for seconds in steps:
        with meter.step():
            clock.work(seconds, **more)
        clock.work(5.0)  # a look at validation points
    return meter.finish()


def test_seconds_of_a_machine_that_is_twice_as_fast_are_worth_two(clock):
    found = done(Meter(), clock)
    assert found.seconds == pytest.approx(2 * KERNEL_MS / 6 * 1.8)
    assert found.least == pytest.approx(found.seconds)
    assert found.most == pytest.approx(found.seconds)
    assert found.start == pytest.approx(2 * KERNEL_MS / 6 * 1.4), "the build, and what the first step took longer"
    assert found.processor == pytest.approx(1.8)
    assert found.measuring == pytest.approx(0.003 * 2 * LOOKS)


def test_threads_that_may_wait_leave_it_open_what_was_computed(clock):
    found = done(Meter(), clock, start=0.0, steps=(0.1,) * 10, threads=4)
    assert found.least == pytest.approx(2 * KERNEL_MS / 6)
    assert found.seconds == found.most == pytest.approx(8 * KERNEL_MS / 6)


def test_a_machine_whose_speed_changes_is_bounded_by_its_fastest_and_slowest_kernels(clock):
    meter = Meter()
    with meter.start():
        clock.work(1.0)
    clock.now.kernel = 0.006
    found = meter.finish()
    assert (found.least, found.most) == pytest.approx((KERNEL_MS / 6, 2 * KERNEL_MS / 6))


def test_the_kernel_runs_now_and_then(clock):
    meter = Meter()
    times = len(meter.times)
    for _ in range(50):
        clock.work(0.1)
        meter.look_now_and_then()
    assert len(meter.times) - times in (4, 5)


def test_what_was_computed_before_a_kill_is_added(clock):
    killed = Meter()
    with killed.start():
        clock.work(1.0)
    resumed = Meter()
    resumed.restore(killed.state())
    assert done(resumed, clock).seconds == pytest.approx(2 * KERNEL_MS / 6 * 2.8)
    unknown = Meter()
    unknown.restore(None)  # a checkpoint of before
    assert done(unknown, clock) is None


def test_amounts_add_up():
    assert Compute(1, 2, 3, 4, 5, 6) + Compute(10, 20, 30, 40, 50, 60) == Compute(11, 22, 33, 44, 55, 66)


def test_a_training_is_measured_without_a_change_of_its_weights():
    def trained(metered):
        torch.manual_seed(0)
        model = Heavy()
        history = train(model, X, X[:10], TrainingOptions(Budget("12"), metered=metered))
        return model.mean.detach(), history

    plain, unmeasured = trained(False)
    assert unmeasured.compute is None
    found = []
    for _ in range(3):  # what else runs on the machine may disturb one
        mean, history = trained(True)
        assert torch.equal(mean, plain)
        compute = history.compute
        found.append((compute.seconds - compute.start, compute.start))
    # 24 kernels for 12 steps and 30 in the first: the middle one was off by a quarter beside other tests
    for steps, seconds in zip((24, 30), zip(*found, strict=True), strict=True):
        assert sorted(seconds)[1] == pytest.approx(steps * KERNEL_MS / 1000, rel=0.4)
