"""What came of localization, as text."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dust3r_sfm.io.pose_lists import pose_line, quaternion
from dust3r_sfm.localization.attempt import Attempt
from dust3r_sfm.types import Localization


def poses_text(attempts: Iterable[Attempt], names: Mapping[str, str] | None = None) -> str:
    """A line `name qw qx qy qz tx ty tz` (cam_from_world of the stored file) for each photo that was
    localized: the format of the visual localization benchmark (Sattler et al. 2018). `names`: what photos
    are to be called instead."""
    lines = []
    for attempt in attempts:
        if attempt.localization is not None:
            name = attempt.name if names is None else names[attempt.name]
            lines.append(pose_line(name, attempt.localization.cam_from_world))
    return "".join(lines)


def diagnostics(attempts: Sequence[Attempt], unreadable: dict[str, str]) -> dict[str, Any]:
    """Plain data for JSON: figures of every photo, and why some have no pose. Numbers that are not finite
    are null."""
    localized = sum(attempt.localization is not None for attempt in attempts)
    return {
        "queries": len(attempts) + len(unreadable),
        "localized": localized,
        "photos": [_photo(attempt) for attempt in attempts]
        + [{"name": name, "localized": False, "reason": reason} for name, reason in unreadable.items()],
    }


def _photo(attempt: Attempt) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": attempt.name,
        "localized": attempt.localization is not None,
        "reason": attempt.reason,
        "references": list(attempt.references),
        "matches": attempt.num_matches,
        "inliers": attempt.num_inliers,
        "time_s": round(attempt.time_s, 3),
    }
    return facts if attempt.localization is None else facts | _pose_facts(attempt.localization)


def _pose_facts(found: Localization) -> dict[str, Any]:
    camera = found.camera
    return {
        "qvec": list(quaternion(found.cam_from_world)),
        "tvec": found.cam_from_world[:3, 3].tolist(),
        "camera": {
            "model": camera.model,
            "width": camera.width,
            "height": camera.height,
            "params": list(camera.params),
        },
        "focal_from": found.focal_source.value,
        "inlier_ratio": found.inlier_ratio,
        "median_error_px": found.median_error_px,
        "confidence": found.confidence,
        "rotation_std_deg": _finite(found.rotation_std_deg),
        "centre_std": _finite(found.centre_std),
        "covariance": found.covariance.tolist() if np.isfinite(found.covariance).all() else None,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
