"""Wheels and environments that many tests install and look at."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from environments import (
    VARIABLE,
    Environment,
    make_environment,
    our_wheel,
    site_folders,
    stand_in_for_nerfstudio,
)

MakeEnvironment = Callable[[], Environment]


@pytest.fixture(scope="session")
def nerfstudio_folder() -> Path:
    """What .ci/nerfstudio_env made."""
    folder = os.environ.get(VARIABLE)
    if folder is None:
        pytest.skip(f"{VARIABLE} names no environment; .ci/nerfstudio_env makes one")
    return Path(folder)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="wheels are built with hatchling")
    return our_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def nerfstudio(nerfstudio_folder: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """nerfstudio and dust3r_sfm, installed as wheels."""
    below = site_folders(nerfstudio_folder / "bin" / "python")
    environment = make_environment(tmp_path_factory.mktemp("nerfstudio"), below)
    environment.install(*(nerfstudio_folder / "wheels").glob("nerfstudio-*.whl"))
    environment.install(wheel)
    return environment


@pytest.fixture(scope="session", params=["stand-in", pytest.param("real", marks=pytest.mark.nerfstudio)])
def nerfstudio_wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nerfstudio's own wheel, or a small one that is built as it is."""
    if request.param == "stand-in":
        return stand_in_for_nerfstudio(tmp_path_factory.mktemp("stand_in"))
    folder: Path = request.getfixturevalue("nerfstudio_folder")
    (found,) = (folder / "wheels").glob("nerfstudio-*.whl")
    return found


@pytest.fixture
def environment(nerfstudio_wheel: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """What nerfstudio's wheel and ours need, and neither of both."""
    import sysconfig

    if "stand_in" in str(nerfstudio_wheel.parent):
        below = [sysconfig.get_path("purelib")]
    else:
        below = site_folders(request.getfixturevalue("nerfstudio_folder") / "bin" / "python")
    return make_environment(tmp_path / "environment", below)
