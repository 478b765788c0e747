"""`ns-process-data` knows dust3r, in whatever order things were installed; and Python always starts."""

import re
from pathlib import Path

import pytest
from environments import ROOT, Environment, our_wheel

ENTRY_POINT = ("-c", "from nerfstudio.scripts.process_data import entrypoint; entrypoint()", "--help")
HELP = ("ns-process-data", "--help")
AS_MODULE = ("-m", "nerfstudio.scripts.process_data", "--help")


def commands(environment: Environment, *arguments: str) -> list[str]:
    """Those that the help lists."""
    result = environment.run(*(arguments or HELP))
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    return re.findall(r"• (\w+)", result.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("ours_first", [True, False])
def test_either_order_of_installing(
    environment: Environment, nerfstudio_wheel: Path, wheel: Path, ours_first: bool
) -> None:
    for package in (wheel, nerfstudio_wheel) if ours_first else (nerfstudio_wheel, wheel):
        environment.install(package)
    found = commands(environment)
    assert found[-1] == "dust3r"
    assert len(found) >= 3
    assert commands(environment, *AS_MODULE) == found


@pytest.mark.slow
def test_upgrades_and_uninstalling(environment: Environment, nerfstudio_wheel: Path, tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="wheels are built with hatchling")
    (tmp_path / "new").mkdir()
    wheel, newer = our_wheel(tmp_path / "old"), our_wheel(tmp_path / "new", "9.9")
    environment.install(nerfstudio_wheel, wheel)
    environment.install("--upgrade", newer)
    assert commands(environment)[-1] == "dust3r"
    environment.install("--force-reinstall", nerfstudio_wheel)
    assert commands(environment)[-1] == "dust3r"
    environment.uninstall("dust3r-sfm")
    assert "dust3r" not in commands(environment)
    assert not list(environment.packages.glob("dust3r*"))
    environment.install(newer)
    environment.uninstall("nerfstudio")
    assert_starts(environment)


@pytest.mark.slow
def test_an_editable_install(environment: Environment, nerfstudio_wheel: Path) -> None:
    pytest.importorskip("editables", reason="hatchling makes editable installs with it")
    environment.install(nerfstudio_wheel, "-e", ROOT)
    assert commands(environment)[-1] == "dust3r"
    assert commands(environment, *AS_MODULE)[-1] == "dust3r"


def assert_starts(environment: Environment) -> None:
    """Silently, and without our package's or anybody's modules."""
    code = "import sys; print([m for m in sys.modules if m.split('.')[0] in ('dust3r_sfm', 'tyro', 'torch')])"
    result = environment.run("-c", code)
    assert (result.returncode, result.stdout, result.stderr) == (0, "[]\n", "")


@pytest.mark.parametrize("how", [ENTRY_POINT, AS_MODULE])
def test_the_commands_and_one_more(
    environment: Environment, nerfstudio_wheel: Path, wheel: Path, how: tuple[str, ...]
) -> None:
    environment.unpack(nerfstudio_wheel, wheel)
    found = commands(environment, *how)
    assert found[0] == "images"
    assert found[-1] == "dust3r"
    assert len(found) >= 3


def test_python_starts_without_nerfstudio(environment: Environment, wheel: Path) -> None:
    environment.unpack(wheel)
    assert_starts(environment)
    result = environment.run("-c", "import nerfstudio.scripts.process_data")
    assert "No module named 'nerfstudio'" in result.stderr


@pytest.mark.parametrize("damage", ["raise ValueError('boom')", "def broken(", None])
def test_python_starts_with_a_damaged_hook(environment: Environment, wheel: Path, damage: str | None) -> None:
    environment.unpack(wheel)
    hook = environment.packages / "dust3r_sfm_nerfstudio" / "hook.py"
    if damage is None:
        hook.unlink()
    else:
        hook.write_text(damage)
    assert_starts(environment)


def test_other_commands_stay_when_ours_cannot_be_added(
    environment: Environment, nerfstudio_wheel: Path, wheel: Path
) -> None:
    environment.unpack(nerfstudio_wheel, wheel)
    (environment.packages / "dust3r_sfm_nerfstudio" / "command.py").write_text("raise ValueError('boom')")
    result = environment.run(*AS_MODULE)
    assert result.returncode == 0
    assert re.findall(r"• (\w+)", result.stdout)[0] == "images"
    assert "dust3r is missing from ns-process-data (ValueError: boom)" in result.stderr


def test_other_commands_run_as_they_did(environment: Environment, wheel: Path, tmp_path: Path) -> None:
    from environments import stand_in_for_nerfstudio

    environment.unpack(wheel)
    environment.install(stand_in_for_nerfstudio(tmp_path))
    assert environment.run("ns-process-data", "images", "--data", "here").stdout == "images here\n"
    as_module = environment.run("-m", "nerfstudio.scripts.process_data", "images", "--data", "here")
    assert as_module.stdout == "images here\n"
    code = "import runpy; print('Images' in runpy.run_module('nerfstudio.scripts.process_data'))"
    assert environment.run("-c", code).stdout == "True\n"


def test_the_command_has_a_name_of_its_own_too(environment: Environment, wheel: Path) -> None:
    environment.install(wheel)
    result = environment.run("ns-process-dust3r", "--help")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("usage: ns-process-dust3r")
    assert "--num-downscales" in result.stdout


def test_the_start_costs_next_to_nothing(environment: Environment, wheel: Path) -> None:
    """A hundredth of a second at most, of the two or so hundredths that Python needs; 0.5 ms is usual."""
    environment.unpack(wheel)
    environment.run("-c", "pass")  # Writes the .pyc files.
    assert min(hook_import_us(environment) for _ in range(5)) < 10_000


def hook_import_us(environment: Environment) -> int:
    """Microseconds that Python needs for the hook and the package it is in."""
    said = environment.run("-X", "importtime", "-c", "pass").stderr
    rows = re.findall(r"import time: +\d+ \| +(\d+) \| +dust3r_sfm_nerfstudio", said)
    assert len(rows) == 2, said
    return max(map(int, rows))


def test_help_waits_for_nothing_heavy(environment: Environment, nerfstudio_wheel: Path, wheel: Path) -> None:
    """Of ours: nerfstudio loads torch by itself."""
    environment.unpack(nerfstudio_wheel, wheel)
    loaded = "print(*(m for m in ('torch', 'pycolmap', 'scipy', 'numpy') if m in sys.modules))"
    own = environment.run("-c", f"import sys, dust3r_sfm_nerfstudio.command; {loaded}")
    assert own.stdout == "\n"
    code = (
        "import sys, nerfstudio.scripts.process_data; print('dust3r_sfm_nerfstudio.command' in sys.modules)"
    )
    assert environment.run("-c", code).stdout == "True\n"
