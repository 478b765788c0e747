"""Small pictures of photos, depth and confidence, as many as the page has room for."""

import io
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from PIL import Image

from dust3r_sfm.exporters.config import ReportPageConfig
from dust3r_sfm.exporters.depth_maps import confidence_picture, depth_picture
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.types import Reconstruction, Scene, View


@dataclass(frozen=True)
class Pictures:
    """JPEG files of one photo."""

    photo: bytes
    """As the view has it: upright."""
    depth: bytes | None
    """In colours, as depth/ has it; None of a photo without a place."""
    confidence: bytes | None
    """The same."""

    @property
    def size(self) -> int:
        return len(self.photo) + len(self.depth or b"") + len(self.confidence or b"")


def take_pictures(
    reconstruction: Reconstruction, left_out: Sequence[View], config: ReportPageConfig
) -> Mapping[str, Pictures]:
    """By name of the photo, placed ones and those that were `left_out`. Of more than there is room for, some
    from everywhere in the set."""
    placed = [(scene, row) for scene in reconstruction.scenes for row in range(len(scene.views))]
    jobs = [(scene.views[row], scene, row) for scene, row in placed] + [(view, None, 0) for view in left_out]
    edge = _picture_edge(len(jobs), config)

    def take(job: tuple[View, Scene | None, int]) -> Pictures:
        view, scene, row = job
        return _take(view, scene, row, edge, config.jpeg_quality)

    spread = [jobs[index] for index in _spread(len(jobs))]
    taken: dict[str, Pictures] = {}
    total = 0
    with closing(in_threads(take, spread)) as found:
        for (view, _, _), pictures in zip(spread, found, strict=True):
            total += pictures.size
            if total > config.pictures_bytes:
                break
            taken[view.name] = pictures
    return taken


def _picture_edge(count: int, config: ReportPageConfig) -> int:
    """Longer side in pixels, of square pictures that just fill the room."""
    pixels = config.pictures_bytes / max(count, 1) / config.picture_pixel_bytes
    return int(np.clip(np.sqrt(pixels), config.smallest_picture_px, config.picture_px))


def _spread(count: int) -> list[int]:
    """0 to count - 1, such that every beginning of it is spread over all (van der Corput's sequence)."""
    width = max(count - 1, 1).bit_length()
    return sorted(range(count), key=lambda index: f"{index:0{width}b}"[::-1])


def _take(view: View, scene: Scene | None, row: int, edge: int, quality: int) -> Pictures:
    photo = Image.fromarray(view.image)
    photo.thumbnail((edge, edge), Image.Resampling.BOX)
    if scene is None:
        return Pictures(_jpeg(photo, quality), None, None)
    # Every so many pixels, before they are coloured: a mean of colours means nothing.
    rows = np.arange(photo.height) * view.image.shape[0] // photo.height
    columns = np.arange(photo.width) * view.image.shape[1] // photo.width
    cells = np.ix_(rows, columns)
    depth = depth_picture(scene.depth[row][cells].astype(np.float32))
    confidence = confidence_picture(scene.confidence[row][cells].astype(np.float32))
    return Pictures(_jpeg(photo, quality), _jpeg(depth, quality), _jpeg(confidence, quality))


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.convert("RGB").save(file, format="JPEG", quality=quality)
    return file.getvalue()
