from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.io import read_poses
from dust3r_sfm.io.pose_lists import pose_line


def test_poses_files(tmp_path: Path) -> None:
    path = tmp_path / "poses.txt"
    path.write_text("# comment\n\nmy photo.jpg 0 2 0 0 0 0 2\n")
    poses = read_poses(path)
    np.testing.assert_allclose(
        poses["my photo.jpg"], rigid(np.diag([1.0, -1.0, -1.0]), np.array([0, 0, 2.0]))
    )
    for line in ("a.jpg 1 0 0 0 0 0", "a.jpg 1 0 0 0 0 0 x", "a.jpg 0 0 0 0 1 2 3", "a.jpg"):
        path.write_text(line)
        with pytest.raises(InputError, match="is not 'name qw qx qy qz tx ty tz'"):
            read_poses(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_poses(tmp_path / "gone.txt")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    pose = rigid(rotation_from_vector(np.array([0.3, -2.0, 0.5])), np.array([1.0, -2.0, 1e-7]))
    path = tmp_path / "poses.txt"
    path.write_text(pose_line("in a folder/my photo.jpg", pose))
    np.testing.assert_allclose(read_poses(path)["in a folder/my photo.jpg"], pose, atol=1e-14)


def test_two_poses_of_one_photo_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "poses.txt"
    path.write_text("\ufeffa.jpg 1 0 0 0 0 0 0\na.jpg 1 0 0 0 0 0 0\n", encoding="utf-8")
    assert set(read_poses(path)) == {"a.jpg"}
    path.write_text("a.jpg 1 0 0 0 0 0 0\na.jpg 1 0 0 0 0 0 1\n")
    with pytest.raises(InputError, match=r"line 2: a.jpg has another pose before"):
        read_poses(path)
