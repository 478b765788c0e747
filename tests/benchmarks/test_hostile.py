"""A short run of the benchmark: every damaged file is read or refused, and the watching itself is tried."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import hostile, hostile_child
from benchmarks.hostile import Options, figures_of_kind
from benchmarks.hostile_child import outcome_of
from benchmarks.hostile_kinds import Kind, kinds
from dust3r_sfm.errors import InputError


@pytest.mark.parametrize("kind", kinds())
def test_damaged_files_are_read_or_refused(kind: str) -> None:
    found = figures_of_kind(kind, Options(inputs=120, seed=7))
    assert found.faults == ()
    assert found.read + found.refused == 120
    assert found.read > 0, "some damage is harmless"
    assert found.refused > 20


def outcome(tmp_path: Path, read: object) -> str:
    return outcome_of(Kind(lambda _: None, read, ()), tmp_path / "a.txt").partition(" ")[0]  # type: ignore[arg-type]


def test_what_is_called_a_fault(tmp_path: Path) -> None:
    def fails(error: Exception) -> object:
        def read(path: Path) -> object:
            raise error

        return read

    assert outcome(tmp_path, lambda _: [np.zeros(3)]) == "read"
    assert outcome(tmp_path, lambda _: [np.zeros(3), np.array([1.0, np.nan])]) == "nonsense"
    assert outcome(tmp_path, fails(InputError(f"{tmp_path}/a.txt: is none"))) == "refused"
    assert outcome(tmp_path, fails(InputError("is none"))) == "unnamed"
    assert outcome(tmp_path, fails(KeyError("x"))) == "traceback"


def test_children_that_hang_or_die_are_noted_and_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "child.py"
    program.write_text(
        "import os, sys, time\n"
        "for number in range(int(sys.argv[4]), int(sys.argv[5])):\n"
        "    if number == 1: time.sleep(60)\n"
        "    if number == 3: os.abort()\n"
        "    print('refused', flush=True)\n"
    )
    monkeypatch.setattr(hostile.sys, "executable", _launcher(tmp_path, program))
    found = figures_of_kind("any", Options(inputs=5, patience_s=0.5))
    assert found.refused == 3
    assert [(fault.number, fault.kind) for fault in found.faults] == [(1, "hang"), (3, "crash")]
    assert hostile_child.GIB == 2**30


def _launcher(folder: Path, program: Path) -> str:
    """Called as Python is with -m and a module's name, runs `program` with what follows."""
    import sys

    file = folder / "python"
    file.write_text(f'#!/bin/sh\nexec {sys.executable} {program} "$@"\n')
    file.chmod(0o755)
    return str(file)
