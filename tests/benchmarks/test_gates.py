"""What is printed of a reference run: verdicts on records made by hand."""

import sys

import pytest

from benchmark_scripts import script
from genbench.storage.records import Cost, RunRecord
from genbench.storage.store import Store
from trial_records import record, spec


@pytest.fixture(scope="module")
def gates():
    with script("gates") as module:
        yield module


def trials(model, data, **columns):
    """Return a trial for each seed, with its entry of each column."""
    count = len(next(iter(columns.values())))
    rows = [{name: values[seed] for name, values in columns.items()} for seed in range(count)]
    return [
        record(
            spec(model=model, dataset=data, seed=seed), family="gan", metrics=row, cost=Cost(train_seconds=seed + 1.0)
        )
        for seed, row in enumerate(rows)
    ]


def test_a_gan_is_judged_by_its_worst_seed(gates, capsys):
    good = trials("gan", "ring", modes=[8, 8], high_quality=[0.95, 0.97], mode_balance=[0.9, 0.6])
    gates.modes(good)
    row = "| gan | ring | 2 of 2 (≥ 90%) | 0.9500 to 0.9700 (in 0.9 to 0.992) | 0.60 (≥ 0.5) | 1 to 2 |"
    assert row in capsys.readouterr().out
    gates.modes(trials("gan", "ring", modes=[8, 7], high_quality=[0.95, 0.995], mode_balance=[0.9, 0.4]))
    said = capsys.readouterr().out
    assert "1 of 2 (**<** 90%) | 0.9500 to 0.9950 (**not in** 0.9 to 0.992) | 0.40 (**<** 0.5)" in said


def test_energies_are_compared_at_their_worst(gates, capsys):
    """The largest of optimal pairs beside the least of independent ones: 0.2 / 0.5."""
    run = [
        record(spec(model=model, seed=seed), diagnostics={"normalised_path_energy": energy})
        for model, energies in (("ot_cfm", [0.1, 0.2]), ("cfm", [0.5, 2.0]))
        for seed, energy in enumerate(energies)
    ]
    gates.energies(run)
    assert "| d | 0.100 to 0.200 | 0.500 to 2.000 | 0.400 (**>** 1/3) |" in capsys.readouterr().out
    gates.energies(run[:2])
    assert not capsys.readouterr().out


def test_models_agree_if_their_difference_may_be_nought(gates, capsys):
    """Differences 1, 2, 3 by seeds: 2 ± 4.30 · 1/√3 by Student's t with two degrees of freedom."""
    same, other = trials("ddpm", "d", kl=[1.0, 1.0, 1.0]), trials("vp_cfm", "d", kl=[2.0, 3.0, 4.0])
    gates.gaps(same + other)
    said = capsys.readouterr().out
    assert "| d | 3.0000 | 1.0000 | +2.0000 [-0.4841, +4.4841] (agree) |" in said
    assert "simple" not in said, "no table of what is not there"
    gates.gaps(same + trials("vp_cfm", "d", kl=[2.0, 2.1, 1.9]))
    assert "(**differ**)" in capsys.readouterr().out
    gates.gaps(same + trials("ddpm[time_embedding=simple]", "d", kl=[0.0, 0.1, 0.2]))
    said = capsys.readouterr().out
    assert "KL of ddpm[time_embedding=simple] less that of ddpm" in said
    assert "| d | 0.1000 | 1.0000 | -0.9000 [-1.1484, -0.6516] (**differ**) |" in said
    gates.gaps(same + trials("vp_cfm", "d", kl=[2.0]))
    assert not capsys.readouterr().out, "one pair tells nothing"


def test_a_run_is_read_from_its_folder(gates, tmp_path, monkeypatch, capsys):
    store = Store(tmp_path / "some")
    store.create()
    rows = trials("cfm", "moons", kl=[0.01, 0.03, 0.05], sliced_w2=[0.1, 0.1, 0.1])
    for row in rows:
        store.write(row)
    store.write_run(RunRecord(name="some", trials=[row.key for row in rows]))
    monkeypatch.setattr(sys, "argv", ["gates.py", str(tmp_path / "some")])
    assert gates.main() == 0
    said = capsys.readouterr().out
    assert "## some" in said
    assert "| cfm | 0.0300 (**>** 0.02), 1 set | – | – |" in said
    assert "| 3 (≤ 60) |" in said


def test_a_folder_without_a_run_is_named(gates, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gates.py", str(tmp_path / "none")])
    assert gates.main() == 2
    assert "none is not a run" in capsys.readouterr().err
