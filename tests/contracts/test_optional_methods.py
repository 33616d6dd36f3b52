"""Optional methods: a class has those that it defines, and an instance has those of its class."""

import subprocess
import sys

import pytest

from genbench import Model, TorchModel
from genbench.contracts import optional_methods
from genbench.contracts.model import ModelCard
from genbench.contracts.optional_methods import SupportsDecoding, SupportsEncoding, supports

METHODS = {
    "SupportsDecoding": "from_latent",
    "SupportsDiagnosis": "diagnose",
    "SupportsEncoding": "to_latent",
    "SupportsForecast": "forecast",
    "SupportsLatentSampling": "draw_latent",
    "SupportsNoiseLevel": "noise_level",
    "SupportsNoising": "noised",
    "SupportsReconstruction": "reconstruct",
    "SupportsScore": "score_at",
    "SupportsTorchTraining": "training_loss",
    "SupportsTrajectory": "trajectory",
    "SupportsVelocity": "velocity_at",
}


def test_every_protocol_is_tested():
    assert {name for name in optional_methods.__all__ if name.startswith("Supports")} == set(METHODS)


@pytest.mark.parametrize(("protocol", "method"), METHODS.items())
def test_a_method_makes_the_difference(protocol, method):
    asked = getattr(optional_methods, protocol)
    able = type("Able", (Model,), {method: lambda self, *args: None})
    assert supports(able, asked)
    assert isinstance(able(), asked)
    assert not supports(Model, asked)
    assert not isinstance(Model(), asked)


def test_all_methods_are_needed():
    encodes = type("Encodes", (Model,), {"to_latent": lambda self, x: x})
    assert supports(encodes)
    assert not supports(encodes, SupportsEncoding, SupportsDecoding)


def test_a_torch_model_is_known_by_its_contract():
    """Whether it subclasses `TorchModel`, or has the methods of one."""
    alike = type("Alike", (Model,), {"training_loss": lambda self, x: x})
    assert [ModelCard("m", "tests", cls).is_torch for cls in (TorchModel, alike, Model)] == [True, True, False]


def test_nobody_needs_torch_to_ask():
    code = "import genbench.contracts.optional_methods, genbench.contracts.model, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
