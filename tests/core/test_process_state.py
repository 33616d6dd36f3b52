"""What code changes for the whole process is put back, and said."""

import decimal
import locale
import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import torch

from genbench.core.process_state import ProcessState, put_back


def flushes():
    return sys.float_info.min * float("0.5") == 0


# What is changed, what reads it, and the word by which it is said; "" for what no number depends on.
CHANGES = {
    "dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype, "torch's default dtype"),
    "device": (lambda: torch.set_default_device("meta"), torch.get_default_device, "default device from cpu to meta"),
    "grad": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled, "grad mode from True to False"),
    "determinism": (
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        "",
    ),
    "matmul": (lambda: torch.set_float32_matmul_precision("medium"), torch.get_float32_matmul_precision, "medium"),
    "subnormals": (lambda: torch.set_flush_denormal(True), flushes, "subnormal"),
    "autocast": (lambda: torch.set_autocast_enabled("cpu", True), lambda: torch.is_autocast_enabled("cpu"), "autocast"),
    "threads": (lambda: torch.set_num_threads(3), torch.get_num_threads, ""),
    "onednn": (
        lambda: setattr(torch.backends.mkldnn, "enabled", False), lambda: torch.backends.mkldnn.enabled, "mkldnn",
    ),
    "hooks": (
        lambda: torch.nn.modules.module.register_module_forward_hook(lambda *_: None),
        lambda: len(torch.nn.modules.module._global_forward_hooks),
        "forward hooks",
    ),
    "errors": (lambda: np.seterr(all="raise"), np.geterr, ""),
    "printing": (lambda: np.set_printoptions(precision=1), lambda: repr(np.array([1 / 3])), ""),
    "locale": (lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"), lambda: locale.setlocale(locale.LC_ALL), "locale"),
    "folder": (lambda: os.chdir("/"), os.getcwd, "working folder"),
    "environment": (lambda: os.environ.update(TZ="Asia/Tokyo", HOME="/"), lambda: (os.environ["HOME"], time.tzname), ""),
    "variable": (lambda: os.environ.pop("HOME"), lambda: os.environ.get("HOME"), ""),
    "recursion": (lambda: sys.setrecursionlimit(5000), sys.getrecursionlimit, "recursion limit"),
    "decimal": (lambda: setattr(decimal.getcontext(), "prec", 3), lambda: str(decimal.Decimal(1) / 3), "decimal"),
    "signals": (
        lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN), lambda: signal.getsignal(signal.SIGTERM), "",
    ),
    "filters": (lambda: warnings.simplefilter("ignore"), lambda: list(warnings.filters), ""),
    "output": (lambda: setattr(sys, "stdout", None), lambda: sys.stdout, ""),
    "order": (sys.path.reverse, lambda: list(sys.path), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_changed_is_put_back_and_said(name):
    change, read, word = CHANGES[name]
    before = read()
    with put_back() as changed:
        change()
        assert read() != before
    assert read() == before
    assert len(changed) == bool(word)
    assert word in " ".join(changed)


def test_a_folder_that_is_added_to_the_path_stays_behind_all_others():
    before = list(sys.path)
    with put_back() as changed:
        sys.path.insert(0, "/a/folder")
    assert sys.path == [*before, "/a/folder"]
    assert not changed
    sys.path.remove("/a/folder")


def test_what_cannot_be_put_back_is_said(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    with put_back() as changed:
        os.chdir(tmp_path)
        (tmp_path / "gone").rmdir()
    assert "the working folder" in changed[0]
    assert changed[0].endswith("(it could not be put back)")


def test_a_library_that_is_imported_meanwhile_gets_what_it_has_in_a_new_process():
    code = """
import sys
from genbench.core.process_state import put_back
assert "torch" not in sys.modules
with put_back():
    import torch
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
print(torch.get_default_dtype(), torch.is_grad_enabled())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "torch.float32 True\n"


def test_the_settings_of_a_new_process_are_known():
    with put_back():
        torch.set_default_dtype(torch.float64)
        np.seterr(all="raise")
        assert "torch's default dtype" in ProcessState(fresh=True).restore()[0]
        assert torch.get_default_dtype() == torch.float32
        assert np.geterr() == {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


def test_nothing_is_put_back_where_nothing_changed():
    assert ProcessState().restore() == []
