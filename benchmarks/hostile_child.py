"""Reads damaged files one after another, for `hostile.py`, and says a line on each: how it ended, and why."""

import contextlib
import os
import resource
import shutil
import sys
import traceback
from pathlib import Path

import numpy as np
import pycolmap

from benchmarks.hostile_damage import damage
from benchmarks.hostile_kinds import Kind, kinds
from dust3r_sfm.errors import Dust3rSfmError

GIB = 2**30


def main(kind: str, first: int, last: int, seed: int, memory_gib: float, folder: Path) -> None:
    pycolmap.logging.minloglevel = int(pycolmap.logging.FATAL)
    chosen = kinds()[kind]
    whole = _made(chosen, folder / "whole")
    _enter(folder / "home")
    files = sorted(path.name for path in whole.iterdir())
    before = _peak_bytes()
    for number in range(first, last):
        rng = np.random.default_rng([seed, number, *kind.encode()])
        name = files[rng.integers(len(files))]
        tried = folder / "tried"
        shutil.rmtree(tried, ignore_errors=True)
        shutil.copytree(whole, tried)
        (tried / name).write_bytes(damage(rng, (whole / name).read_bytes(), chosen.damages))
        outcome = outcome_of(chosen, tried if kind.endswith("model") else tried / name)
        if _peak_bytes() - before > memory_gib * GIB:
            outcome = f"memory {(_peak_bytes() - before) / GIB:.1f} GiB for {name}"
            before = _peak_bytes()
        if any(Path.cwd().iterdir()):
            outcome = f"leftover {next(Path.cwd().iterdir())}"
            _enter(folder / "home")
        print(outcome, flush=True)


def outcome_of(kind: Kind, path: Path) -> str:
    """A word, and behind a blank what there is to say."""
    try:
        # What libraries print would be taken for our lines.
        with contextlib.redirect_stdout(sys.stderr):
            for numbers in kind.read(path):
                if not np.isfinite(numbers).all():
                    return f"nonsense {path.name}: {numbers.ravel()[:20].tolist()}"
    except Dust3rSfmError as error:
        return "refused" if str(path.parent) in str(error) else f"unnamed {path.name}: {error!s:.200}"
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"traceback {path.name}: {error!r:.200} at {where.filename}:{where.lineno}".replace("\n", " ")
    return "read"


def _made(kind: Kind, folder: Path) -> Path:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        kind.make(folder)
    return folder


def _enter(folder: Path) -> None:
    """An empty folder to be at home in, and the only place for temporary files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    os.environ["HOME"] = os.environ["TMPDIR"] = str(folder)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    name, start, end, number, gib, place = sys.argv[1:]
    main(name, int(start), int(end), int(number), float(gib), Path(place))
