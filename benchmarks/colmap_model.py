"""The rival: `python -m benchmarks.colmap_model PHOTOS OUT`, COLMAP's own way from photos to a model.

SIFT of the photos at full size on the CPU, matching, incremental or global mapping, through pycolmap, with
its defaults. The model with most photos goes to OUT/model.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pycolmap
import tyro
from PIL import Image

from dust3r_sfm.images.files import find_photos

Mapper = Literal["incremental", "global"]
Matching = Literal["exhaustive", "sequential"]


@dataclass(frozen=True)
class Options:
    photos: tyro.conf.Positional[Path]
    out: tyro.conf.Positional[Path]
    matching: Matching = "exhaustive"
    """sequential: each photo with the ten that follow by name."""
    mapper: Mapper = "incremental"
    """global: GLOMAP's way, all cameras at once."""


def main(options: Options) -> int:
    """0 if there is a model."""
    options.out.mkdir(parents=True)
    database = options.out / "database.db"
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.use_gpu = False
    pycolmap.extract_features(
        database, options.photos, camera_mode=camera_mode(options.photos), extraction_options=extraction
    )
    matching = pycolmap.FeatureMatchingOptions()
    matching.use_gpu = False
    if options.matching == "exhaustive":
        pycolmap.match_exhaustive(database, matching_options=matching)
    else:
        pycolmap.match_sequential(database, matching_options=matching)
    mapping = pycolmap.incremental_mapping if options.mapper == "incremental" else pycolmap.global_mapping
    models = mapping(database, options.photos, options.out / "models")
    if not models:
        return 1
    best = max(models, key=lambda number: models[number].num_reg_images())
    shutil.copytree(options.out / "models" / str(best), options.out / "model")
    return 0


def camera_mode(photos: Path) -> pycolmap.CameraMode:
    """One camera for photos of one size, and one for each photo otherwise."""
    sizes = set()
    for path in find_photos(photos).values():
        with Image.open(path) as image:
            sizes.add(image.size)
    return pycolmap.CameraMode.SINGLE if len(sizes) == 1 else pycolmap.CameraMode.PER_IMAGE


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
