"""Each negative control is caught by the check that is meant for it; their right twins pass all that is quick."""

from inspect import getsourcelines

import pytest

from genbench.testing.contract import CheckOptions, Plugin, items
from genbench.testing.controls.catalogue import controls, right_twins

CONTROLS, TWINS = controls(), right_twins()
# By the training of some seconds that `genbench check` does without --fast; here, the least at which the twins pass.
LONG = "1500"


def verdicts(card, fast=True):
    return [item.verdict() for item in items(Plugin(card), CheckOptions(fast=fast, budget=LONG))]


def verdict_of(control):
    """The verdict of the check that is meant for a control."""
    every = items(Plugin(control.card), CheckOptions(fast=True))
    return next(item for item in every if item.check.name == control.caught_by).verdict()


def test_all_faults_that_are_asked_for_have_a_control():
    assert {
        "flipped_log_determinant", "missing_jacobian", "averaged_over_orders", "negative_log_likelihood", "mean_log_prob",
        "batch_density", "mode_dropper", "mode_dropper_without_density", "low_temperature",
        "low_temperature_without_density", "blurred_samples", "sorted_samples", "memoriser", "half_memoriser",
        "one_point_of_each_batch", "global_reseeding", "own_generator", "unseeded_torch", "mutated_input", "changing_state",
        "nan_after_hundred_steps", "half_precision", "whole_numbers", "wrong_device", "forgotten_buffer",
        "network_at_noise", "overwritten_divergence", "noise_with_signal", "forgetful_integrator",
    } <= CONTROLS.keys()  # fmt: skip


SECONDS = ("overwritten_divergence", "straight_flow", "cosine_diffusion")  # of training, or of solvers


def quick(names):
    return [pytest.param(name, marks=pytest.mark.slow) if name in SECONDS else name for name in names]


@pytest.mark.parametrize("name", quick(name for name, one in CONTROLS.items() if one.fast))
def test_a_control_is_caught(name):
    control = CONTROLS[name]
    verdict = verdict_of(control)
    assert verdict.status == "failed"
    assert control.words in verdict.found
    assert verdict.meaning
    assert verdict.line.partition(":")[0] in (
        "arrays.py", "networks.py", "tutorials.py", "data_and_metrics.py", "truths.py"
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, one in CONTROLS.items() if not one.fast])
def test_a_control_is_caught_after_training(name):
    control = CONTROLS[name]
    failed = {one.check: one for one in verdicts(control.card, fast=False) if one.status == "failed"}
    assert control.words in failed[control.caught_by].found


@pytest.mark.parametrize("name", quick(TWINS))
def test_a_right_twin_passes(name):
    assert [str(one) for one in verdicts(TWINS[name]) if one.status == "failed"] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["whitened_kernel", "straight_flow", "cosine_diffusion"])
def test_a_right_twin_passes_after_training(name):
    assert [str(one) for one in verdicts(TWINS[name], fast=False) if one.status == "failed"] == []


def test_a_fault_is_shown_by_its_line():
    """The line that reseeds, that draws from a generator of its own, and that leaves a parameter idle."""
    for name, text in (
        ("global_reseeding", "np.random.seed(0)"),
        ("own_generator", "default_rng()"),
        ("idle_parameter", "self.gate ="),
    ):
        control = CONTROLS[name]
        lines, first = getsourcelines(control.card.factory)
        due = first + next(k for k, line in enumerate(lines) if text in line)
        assert verdict_of(control).line.endswith(f":{due}")
