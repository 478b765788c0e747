"""Which photos are taken to be of one camera."""

from typing import get_args

import numpy as np
import pytest

from dust3r_sfm.camera_groups import CameraSharing, group_cameras
from dust3r_sfm.types import View


def view(name: str, size: tuple[int, int] = (40, 30), camera: str | None = None) -> View:
    """Of a stored file of this (width, height), taken by `camera` as EXIF says."""
    return View(name, np.zeros((30, 40, 3), np.uint8), np.eye(3), size, exif_camera=camera)


@pytest.mark.parametrize(
    ("views", "sharing", "groups"),
    [
        ([view("a"), view("b"), view("c", (60, 40)), view("d", (60, 40))], "auto", (0, 0, 1, 1)),
        ([view("a"), view("b", (30, 40)), view("c")], "auto", (0, 0, 0)),
        ([view(name, camera=name[0]) for name in ("Xa", "Yb", "Xc", "Xd")], "auto", (0, 1, 0, 0)),
        ([view("x/a"), view("y/b")], "auto", (0, 0)),
        ([view("a", (1, 2)), view("b", (3, 4)), view("c", (3, 4)), view("d", (7, 8))], "auto", (0, 1, 2, 3)),
        ([view("a", camera="X"), view("b", camera="Y")], "shared", (0, 0)),
        ([view("a"), view("b", (60, 40))], "shared", (0, 1)),
        ([view("a"), view("b", (30, 40))], "shared", (0, 0)),
        ([view("x/a"), view("y/b"), view("x/c")], "per-folder", (0, 1, 0)),
        ([view("x/a"), view("x/b", (60, 40)), view("x/c", (30, 40))], "per-folder", (0, 1, 0)),
        ([view("x/a"), view("x/y/b"), view("c")], "per-folder", (0, 1, 2)),
        ([view("x/a", camera="X"), view("x/b", camera="Y")], "per-folder", (0, 0)),
        ([view("a"), view("b")], "per-image", (0, 1)),
    ],
    ids=[
        "auto: sizes apart",
        "auto: upright is the same camera",
        "auto: EXIF's cameras apart",
        "auto: folders do not matter",
        "auto: from everywhere",
        "shared: whatever EXIF says",
        "shared: sizes apart all the same",
        "shared: upright is the same camera",
        "per-folder",
        "per-folder: sizes apart",
        "per-folder: a folder within is another",
        "per-folder: whatever EXIF says",
        "per-image",
    ],
)  # fmt: skip
def test_groups(views: list[View], sharing: CameraSharing, groups: tuple[int, ...]) -> None:
    """Pixels of files of different sizes cannot be compared, so that no rule joins them."""
    assert group_cameras(views, sharing) == groups


@pytest.mark.parametrize(("kinds", "groups"), [(2, (0, 0, 1, 1)), (3, (0, 1, 2, 3))])
def test_photos_of_more_kinds_than_half_of_them_have_a_camera_each(
    kinds: int, groups: tuple[int, ...]
) -> None:
    """Such come from everywhere: two photos that are of one size then need not be of one lens."""
    sizes = [(40, 30), (40, 30), (60, 40), (60 + 20 * (kinds - 2), 40)]
    assert group_cameras([view(str(k), size) for k, size in enumerate(sizes)], "auto") == groups


@pytest.mark.parametrize("sharing", get_args(CameraSharing))
def test_groups_are_numbered_in_the_order_of_their_first_views(sharing: CameraSharing) -> None:
    """From 0 and without gaps: others index arrays with them."""
    sizes = [(60, 40), (40, 30), (60, 40), (50, 50), (40, 30), (60, 40)]
    groups = group_cameras([view(str(k), size) for k, size in enumerate(sizes)], sharing)
    assert list(dict.fromkeys(groups)) == list(range(max(groups) + 1))


def test_no_photos_have_no_cameras() -> None:
    assert group_cameras([], "auto") == ()
