"""Sky of real photos at their true cameras without any depth, which would only help to tell walls."""

import pytest
from true_scenes import DATA, true_scene

from dust3r_sfm.dense.sky import find_sky
from dust3r_sfm.dense.upright import with_up

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets in ../shared/data are not on this machine"),
]


@pytest.mark.parametrize(
    ("name", "every"), [("sevenscenes_redkitchen", 6), ("co3d_apple", 1), ("lund_door", 1)]
)
def test_there_is_none_indoors_nor_on_a_wall(name, every):
    scene = with_up(true_scene(name, every), "auto")
    assert sum(int(sky.sum()) for sky in find_sky(scene)) == 0


def test_most_photos_of_a_monument_have_some():
    """By day, at dusk and in snow; shares were looked at. That of the photo from farthest away is behind the
    building in nearly all others, so that nothing confirms it."""
    scene = with_up(true_scene("reichstag_internet"), "auto")
    shares = [float(sky.mean()) for sky in find_sky(scene)]
    assert sum(share > 0.1 for share in shares) >= 9
    assert max(shares) < 0.5


def test_grey_photos_of_a_street_have_some_and_white_houses_are_none():
    """In the lower half nothing, and in the right fifth, where the houses stand, next to nothing."""
    scene = with_up(true_scene("kitti_odometry_seq1", 3), "auto")
    found = find_sky(scene)
    assert all(0.06 < sky.mean() < 0.2 for sky in found)
    for sky in found:
        height, width = sky.shape
        assert not sky[height // 2 :].any()
        assert sky[:, width * 4 // 5 :].mean() < 0.02
