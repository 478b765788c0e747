"""Damaged files of every kind that the program reads: each is read, or refused in words.

    python -m benchmarks.hostile --inputs 3000 --json OUT

Inputs are whole files with seeded damage (`hostile_damage.py`): the number of one and the seed make it again.
They are read in a child process, which is watched: one that is still busy after `patience_s`, takes more
memory than `memory_gib` or ends by itself is noted with its number and begun again behind it. Of what is
read, every number must be finite; nothing may be left where the child was allowed to write.
"""

import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import tyro

START_S = 120.0
"""Until a child has loaded what it needs."""


@dataclass(frozen=True)
class Options:
    inputs: int = 3000
    """Of each kind."""
    kinds: tuple[str, ...] = ()
    """Which; all if none is named."""
    seed: int = 0
    patience_s: float = 10.0
    """An input that takes longer hangs."""
    memory_gib: float = 1.0
    """More than before the first input is too much."""
    json: Path | None = None
    """Where to write all figures."""


@dataclass(frozen=True)
class Fault:
    """An input that was neither read nor refused."""

    number: int
    kind: str
    """Of fault: traceback, hang, memory, crash, nonsense or leftover."""
    detail: str


@dataclass(frozen=True)
class Figures:
    """Of the inputs of one kind."""

    inputs: int
    read: int
    """As if they were whole."""
    refused: int
    """In words."""
    faults: tuple[Fault, ...] = field(default=())


def main(options: Options) -> None:
    from benchmarks.hostile_kinds import kinds

    report = {}
    for name in options.kinds or tuple(kinds()):
        report[name] = figures_of_kind(name, options)
        print(f"{name}: {json.dumps(asdict(report[name]))}", flush=True)
        if options.json is not None:
            text = json.dumps({"seed": options.seed, **{k: asdict(f) for k, f in report.items()}}, indent=1)
            options.json.write_text(text + "\n")
    sys.exit(any(figures.faults for figures in report.values()))


def figures_of_kind(kind: str, options: Options) -> Figures:
    """Runs children until every input was tried."""
    outcomes: Counter[str] = Counter()
    faults: list[Fault] = []
    number = 0
    with tempfile.TemporaryDirectory(prefix="hostile_") as folder:
        while number < options.inputs:
            for outcome, detail in _outcomes(kind, number, options, Path(folder)):
                outcomes[outcome] += 1
                if outcome not in ("read", "refused"):
                    faults.append(Fault(number, outcome, detail))
                number += 1
    return Figures(options.inputs, outcomes["read"], outcomes["refused"], tuple(faults))


def _outcomes(kind: str, first: int, options: Options, folder: Path) -> Iterator[tuple[str, str]]:
    """Of the inputs from `first` on, as long as one child lasts."""
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.hostile_child", kind, str(first), str(options.inputs)]
        + [str(options.seed), str(options.memory_gib), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    patience = START_S
    with child, selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        for _ in range(first, options.inputs):
            if not selector.select(patience):
                child.kill()
                yield "hang", f"more than {patience:g} s"
                return
            line = child.stdout.readline()
            if not line:
                yield "crash", f"exit {child.wait()}"
                return
            outcome, _, detail = line.rstrip("\n").partition(" ")
            yield outcome, detail
            patience = options.patience_s
        child.wait()


if __name__ == "__main__":
    main(tyro.cli(Options))
