"""Lists of poses, a line `name qw qx qy qz tx ty tz` each: the format of the visual localization benchmark
(Sattler et al. 2018)."""

from pathlib import Path

from scipy.spatial.transform import Rotation

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.text_files import add_once, numbered_lines
from dust3r_sfm.io.values import pose_from_words, quoted
from dust3r_sfm.types import Rigid


def read_poses(path: Path) -> dict[str, Rigid]:
    """cam_from_world by name, from a list as localization writes it; lines that begin with # are passed over.
    Raises InputError for a file that cannot be read, or that gives a photo two poses."""
    poses: dict[str, Rigid] = {}
    for number, line in numbered_lines(path):
        name, *fields = line.rsplit(maxsplit=7)
        try:
            pose = pose_from_words(fields)
        except ValueError as error:
            raise InputError(
                f"{path}, line {number}: {quoted(line)} is not 'name qw qx qy qz tx ty tz' ({error}); mend "
                "or remove the line"
            ) from error
        add_once(poses, name, pose, f"{path}, line {number}", "pose")
    return poses


def pose_line(name: str, cam_from_world: Rigid) -> str:
    """The line of one photo, with its end."""
    numbers = (*quaternion(cam_from_world), *(float(value) for value in cam_from_world[:3, 3]))
    return " ".join([name, *(repr(number) for number in numbers)]) + "\n"


def quaternion(cam_from_world: Rigid) -> tuple[float, float, float, float]:
    """COLMAP's order: w first, and w >= 0."""
    x, y, z, w = Rotation.from_matrix(cam_from_world[:3, :3]).as_quat(canonical=True)
    return float(w), float(x), float(y), float(z)
