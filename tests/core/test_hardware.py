import os
import subprocess
import sys

import pytest
import torch

from genbench.core.errors import GenbenchError
from genbench.core.hardware import choose_device, default_device

# Which of the functions that wake a GPU up the server of the workers calls while it imports.
WATCHED = """
import importlib, sys
import torch
called = []
for name in ("is_available", "device_count", "init", "_lazy_init", "current_device", "get_device_properties"):
    setattr(torch.cuda, name, lambda *_, name=name, **__: called.append(name))
import genbench.runs.worker_imports
assert {"ot", "torchdiffeq", "torch._dynamo", "genbench.models.flow_matching"} <= sys.modules.keys()
sys.stdout.write(f"called: {called}")
sys.stdout.flush()
"""


def test_auto_takes_what_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("mps") == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("cuda") == "cuda"
    assert choose_device("cpu") == "cpu"


def test_a_device_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(GenbenchError, match=r"^device 'cuda' is not there: torch \S+ was built without it; use --dev"):
        choose_device("cuda")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    with pytest.raises(GenbenchError, match=r"^device 'cuda' is not there: torch finds none on this machine; use --"):
        choose_device("cuda")
    with pytest.raises(GenbenchError, match="device 'gpu' is unknown; choose one of auto, cpu, cuda, mps"):
        choose_device("gpu")


def test_the_default_device_is_that_inside():
    with default_device("meta"):
        assert torch.zeros(2).device.type == "meta"
        assert not torch.are_deterministic_algorithms_enabled()
    with default_device("cpu"):
        assert torch.zeros(2).device.type == "cpu"


def test_cuda_repeats_itself(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.cuda, "_lazy_init", lambda: None)  # nothing is made on it
    with default_device("cuda"):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.backends.cudnn.benchmark
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.benchmark
    assert torch.get_default_device().type == "cpu"


@pytest.mark.slow
def test_the_server_of_the_workers_leaves_gpus_alone():
    """Processes that are forked after that cannot use CUDA."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout == "called: []", done.stderr
