"""What users choose of localization, apart from the configs, which take seconds to import: the help of the
commands is made of it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LocalizationChoices:
    """Part of `LocalizationConfig`."""

    top_k: int = 5
    """How many references a photo is compared with, those that look most like it."""
    min_inliers: int = 25
    """Fewest matches with 3D points that must agree on a pose."""
    max_error: float = 0.008
    """How far a match may be from where its point falls, as a share of the photo's long edge."""
