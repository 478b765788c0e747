"""Lists of poses, a line `name qw qx qy qz tx ty tz` each: the format of the visual localization benchmark
(Sattler et al. 2018)."""

from pathlib import Path

from scipy.spatial.transform import Rotation

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.colmap_model import pose_of_fields
from dust3r_sfm.types import Rigid


def read_poses(path: Path) -> dict[str, Rigid]:
    """cam_from_world by name, from a list as localization writes it; lines that begin with # are passed over.
    Raises InputError for a file that cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); check the path") from error
    poses = {}
    for line in (line for line in lines if line.strip() and not line.startswith("#")):
        name, *fields = line.rsplit(maxsplit=7)
        try:
            poses[name] = pose_of_fields(fields)
        except ValueError as error:
            raise InputError(
                f"{path}: '{line.strip()[:60]}' is not 'name qw qx qy qz tx ty tz'; mend or remove the line"
            ) from error
    return poses


def pose_line(name: str, cam_from_world: Rigid) -> str:
    """The line of one photo, with its end."""
    numbers = (*quaternion(cam_from_world), *(float(value) for value in cam_from_world[:3, 3]))
    return " ".join([name, *(repr(number) for number in numbers)]) + "\n"


def quaternion(cam_from_world: Rigid) -> tuple[float, float, float, float]:
    """COLMAP's order: w first, and w >= 0."""
    x, y, z, w = Rotation.from_matrix(cam_from_world[:3, :3]).as_quat(canonical=True)
    return float(w), float(x), float(y), float(z)
