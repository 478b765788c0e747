"""A picture of how one photo was placed: itself, the most helpful reference, and their matches."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.localization.attempt import Attempt
from dust3r_sfm.localization.mapping.photo_views import load_reference_view
from dust3r_sfm.localization.mapping.reference_map import ReferenceMap
from dust3r_sfm.types import ImageSpec, View

_GREEN, _RED = (60, 200, 80), (220, 60, 50)
"""Lines of a pose that was accepted, and of one that was not."""


def match_picture(attempt: Attempt, view: View, prepared: ReferenceMap, most_lines: int = 200) -> Image.Image:
    """The photo on the left, on the right the reference with most inliers, or the most similar one where
    there are none, with lines between the inliers: green where a pose was accepted, red where not. At most
    `most_lines`, evenly thinned. Raises InputError where the reference photo cannot be read any more."""
    inliers = attempt.inliers
    name = attempt.references[0] if attempt.references else None
    if len(inliers):
        name = prepared.photos[int(np.bincount(inliers.reference).argmax())].name
    left, left_from_original = _picture(view)
    if name is None:
        return Image.fromarray(left)
    index = next(k for k, photo in enumerate(prepared.photos) if photo.name == name)
    beside = load_reference_view(prepared.photos[index], ImageSpec(max(view.size)))
    right, right_from_original = _picture(beside)
    canvas = _side_by_side(left, right)
    shown = inliers.at(np.flatnonzero(inliers.reference == index))
    shown = shown.at(np.unique(np.linspace(0, len(shown) - 1, min(len(shown), most_lines)).astype(int)))
    ends_left = apply_affine(left_from_original, shown.pixels)
    ends_right = apply_affine(right_from_original, shown.reference_pixels) + [left.shape[1], 0]
    draw = ImageDraw.Draw(canvas)
    colour = _RED if attempt.localization is None else _GREEN
    for start, end in zip(ends_left, ends_right, strict=True):
        draw.line([tuple(start), tuple(end)], fill=colour, width=1)
    draw.text((6, 6), _caption(attempt, name), fill=(255, 255, 255), stroke_width=2, stroke_fill=(0, 0, 0))
    return canvas


def _picture(view: View) -> tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "3 3"]]:
    """Upright, with the affine from stored pixels."""
    return view.image, view.pixel_from_original


def _side_by_side(left: UInt8[np.ndarray, "h w 3"], right: UInt8[np.ndarray, "hr wr 3"]) -> Image.Image:
    height = max(left.shape[0], right.shape[0])
    canvas = Image.new("RGB", (left.shape[1] + right.shape[1], height))
    canvas.paste(Image.fromarray(left), (0, 0))
    canvas.paste(Image.fromarray(right), (left.shape[1], 0))
    return canvas


def _caption(attempt: Attempt, reference: str) -> str:
    verdict = attempt.reason or f"{attempt.num_inliers} of {attempt.num_matches} matches agree"
    # Pillow's own font has Latin letters only.
    return f"{attempt.name} | {reference} | {verdict}".encode("latin-1", "replace").decode("latin-1")
