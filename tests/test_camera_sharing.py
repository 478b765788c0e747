import numpy as np
import pytest

from dust3r_sfm.camera_groups import group_cameras
from dust3r_sfm.types import View


def view(name, size=(40, 30), camera=None):
    return View(name, np.zeros((30, 40, 3), np.uint8), np.eye(3), size, exif_camera=camera)


@pytest.mark.parametrize(
    ("views", "sharing", "groups"),
    [
        ([view("a"), view("b"), view("c", (60, 40)), view("d", (60, 40))], "auto", (0, 0, 1, 1)),
        ([view("a"), view("b", (30, 40)), view("c")], "auto", (0, 0, 0)),
        ([view(name, camera=name[0]) for name in ("Xa", "Yb", "Xc", "Xd")], "auto", (0, 1, 0, 0)),
        ([view("a", (1, 2)), view("b", (3, 4)), view("c", (3, 4)), view("d", (7, 8))], "auto", (0, 1, 2, 3)),
        ([view("a", camera="X"), view("b", camera="Y")], "shared", (0, 0)),
        ([view("a"), view("b", (60, 40))], "shared", (0, 1)),
        ([view("x/a"), view("y/b"), view("x/c")], "per-folder", (0, 1, 0)),
        ([view("a"), view("b")], "per-image", (0, 1)),
    ],
)  # fmt: skip
def test_groups(views, sharing, groups):
    assert group_cameras(views, sharing) == groups
