"""What `import dust3r_sfm` offers, and what it leaves for later."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import dust3r_sfm


def test_every_public_name_is_there() -> None:
    missing = [name for name in dust3r_sfm.__all__ if not hasattr(dust3r_sfm, name)]
    assert missing == []
    assert set(dust3r_sfm.__all__) <= set(dir(dust3r_sfm))
    assert dust3r_sfm.__version__ == version("dust3r-sfm")


def test_a_name_is_the_module_s_own() -> None:
    from dust3r_sfm.pipeline import reconstruct

    assert dust3r_sfm.reconstruct is reconstruct


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'reconstrukt'"):
        dust3r_sfm.reconstrukt  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import dust3r_sfm, sys; print([m for m in ('torch', 'pycolmap', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
