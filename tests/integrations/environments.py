"""Small virtual environments to install and uninstall wheels in, on top of what is installed already."""

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
VARIABLE = "DUST3R_SFM_NERFSTUDIO"
"""Names the folder that .ci/nerfstudio_env made."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment without pip of its own."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        return next((self.folder / "lib").glob("python3*")) / "site-packages"

    def pip(self, *arguments: str | Path) -> None:
        command = [sys.executable, "-m", "pip", "--python", str(self.python), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True)

    def install(self, *what: str | Path) -> None:
        self.pip("install", "-q", "--no-deps", "--no-build-isolation", *what)

    def unpack(self, *wheels: Path) -> None:
        """As installing does it, without scripts, metadata of the installer and the time that takes."""
        for wheel in wheels:
            zipfile.ZipFile(wheel).extractall(self.packages)

    def uninstall(self, name: str) -> None:
        self.pip("uninstall", "-q", "-y", name)

    def run(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Python with these arguments, or a script of the environment if the first is its name."""
        first, *others = map(str, arguments)
        script = self.folder / "bin" / first
        command = [str(script), *others] if script.exists() else [str(self.python), first, *others]
        plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        settings = {**plain, "COLUMNS": "100", "TERM": "dumb", **variables}
        return subprocess.run(
            command, capture_output=True, text=True, env=settings, cwd=self.folder, check=False
        )


def make_environment(folder: Path, below: Sequence[str]) -> Environment:
    """An empty one that also sees the packages in the folders `below`, without running their .pth files."""
    venv.create(folder, symlinks=True)
    environment = Environment(folder)
    (environment.packages / "_below.pth").write_text("".join(f"{path}\n" for path in below))
    return environment


def site_folders(python: Path) -> list[str]:
    """Where this Python finds installed packages."""
    code = "import sys; print('\\n'.join(p for p in sys.path if p.endswith('site-packages')))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.split()


def our_wheel(folder: Path, version: str | None = None) -> Path:
    """This repository as a wheel, made by hatchling; with another version it is the same under that name."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (wheel,) = folder.glob("dust3r_sfm-*.whl")
    return wheel if version is None else _as_version(wheel, version)


def _as_version(wheel: Path, version: str) -> Path:
    name, old, rest = wheel.name.split("-", 2)
    renamed = wheel.with_name(f"{name}-{version}-{rest}")
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(renamed, "w") as target:
        for entry in source.namelist():
            data = source.read(entry).replace(
                f"\nVersion: {old}\n".encode(), f"\nVersion: {version}\n".encode()
            )
            if entry.endswith("RECORD"):
                data = _without_hashes(data.replace(f"{name}-{old}".encode(), f"{name}-{version}".encode()))
            target.writestr(entry.replace(f"{name}-{old}.dist-info", f"{name}-{version}.dist-info"), data)
    wheel.unlink()
    return renamed


def _without_hashes(record: bytes) -> bytes:
    return b"".join(line.rsplit(b",", 2)[0] + b",,\n" for line in record.splitlines())


_PROCESS_DATA = '''
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Union

import tyro


@dataclass
class Images:
    """Process images."""

    data: Path

    def main(self) -> None:
        print("images", self.data)


@dataclass
class Other:
    """Process something else."""

    def main(self) -> None:
        print("other")


Commands = Union[
    Annotated[Images, tyro.conf.subcommand(name="images")],
    Annotated[Other, tyro.conf.subcommand(name="other")],
]


def entrypoint():
    tyro.cli(Commands).main()


if __name__ == "__main__":
    entrypoint()
'''


def stand_in_for_nerfstudio(folder: Path) -> Path:
    """A wheel with a console script and a process_data module that are built as nerfstudio's are."""
    info = "nerfstudio-1.1.5.dist-info"
    files = {
        "nerfstudio/__init__.py": "",
        "nerfstudio/scripts/__init__.py": "",
        "nerfstudio/scripts/process_data.py": _PROCESS_DATA,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: nerfstudio\nVersion: 1.1.5\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": (
            "[console_scripts]\nns-process-data = nerfstudio.scripts.process_data:entrypoint\n"
        ),
    }
    wheel = folder / "nerfstudio-1.1.5-py3-none-any.whl"
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return wheel
