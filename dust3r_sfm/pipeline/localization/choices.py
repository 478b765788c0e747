"""What localization is to write. Nothing heavy is imported: the help of the commands is made of it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outputs:
    """What to write, as far as it is not None. Existing files are replaced."""

    poses: Path | None = None
    """The poses: lines name qw qx qy qz tx ty tz (cam_from_world, COLMAP's axes)."""
    diagnostics: Path | None = None
    """Cameras, poses, inliers and uncertainty of every photo, and why some have no pose."""
    model: Path | None = None
    """A new COLMAP model: the references', with the localized photos and what they see."""
    pictures: Path | None = None
    """A picture of each photo beside its best reference, with their matches."""
