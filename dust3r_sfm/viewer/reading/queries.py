"""Localized photos, out of what `localize` wrote: a list of poses, or its JSON of all figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.colmap.records import camera_record
from dust3r_sfm.io.pose_lists import read_poses
from dust3r_sfm.io.text_files import read_json, read_text
from dust3r_sfm.io.values import finite_number, pose_from_words
from dust3r_sfm.viewer.scene import ViewedQuery


def read_queries(file: Path) -> tuple[ViewedQuery, ...]:
    """In the order of the file. Raises InputError for a file that is neither."""
    if not read_text(file).lstrip().startswith("{"):
        return tuple(ViewedQuery(name, pose) for name, pose in read_poses(file).items())
    try:
        return tuple(_query(facts) for facts in read_json(file)["photos"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{file}: is not what localize writes with --json ({error!r}); give that file, or its --output"
        ) from error


def _query(facts: Mapping[str, Any]) -> ViewedQuery:
    name = str(facts["name"])
    if not facts["localized"]:
        return ViewedQuery(name, None, about=str(facts["reason"]))
    camera = facts["camera"]
    return ViewedQuery(
        name,
        pose_from_words([*facts["qvec"], *facts["tvec"]]),
        camera_record(str(camera["model"]), camera["width"], camera["height"], list(camera["params"])),
        f"{int(facts['inliers'])} inliers, {finite_number(facts['median_error_px']):.2f} px",
    )
