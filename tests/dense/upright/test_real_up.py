"""Up of real photos at their true cameras, where something besides cameras and edges tells what it is.

The world of Strecha's sets is a laser scanner's: it stands level, z down. kitti's is the first camera of a
car on a street, level but for the mount and the slope: two degrees or so. Of lund_door, planes were fitted to
the dense cloud of a reconstruction: up is across the normals of the facade (three parts of it, 0.3 degrees
apart) and of the jambs, which agree within a degree. Thresholds were chosen on fountain, kitti and lund_door;
entry and herz_jesus confirm them. docs/benchmarks.md has the same for reconstructions.
"""

import pytest
from test_level_cameras import degrees_between
from true_scenes import DATA, true_scene

from dust3r_sfm.dense.upright import estimate_up
from dust3r_sfm.types import UpSource

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets in ../shared/data are not on this machine"),
]

UPS = {
    "strecha_fountain_p11": (0.0, 0.0, -1.0),
    "kitti_odometry_seq1": (0.0, -1.0, 0.0),
    "lund_door": (0.0, -0.9864, 0.1641),
    "strecha_entry_p10": (0.0, 0.0, -1.0),
    "strecha_herz_jesus_p8": (0.0, 0.0, -1.0),
}
MOST_DEG = {
    "strecha_fountain_p11": 1.0,
    "strecha_entry_p10": 1.0,
    "strecha_herz_jesus_p8": 1.0,
    "lund_door": 2.0,
}


@pytest.mark.parametrize("name", UPS)
def test_up_of_real_photos(name):
    up = estimate_up(true_scene(name))
    assert up.source is UpSource.VERTICALS
    error_deg = degrees_between(up.direction, UPS[name])
    assert error_deg < MOST_DEG.get(name, 3.0)
    assert up.std_deg < 2.0


def test_a_ring_of_photos_on_their_side_is_left_as_it_is():
    up = estimate_up(true_scene("middlebury_temple_sparsering"))
    assert up.direction is None
    assert "on their side" in up.reason
