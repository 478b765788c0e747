"""What may help a photo that was left out: docs/howto/troubleshooting.md in a sentence each."""

from dust3r_sfm.alignment.averaging.contradictions import UNDECIDED
from dust3r_sfm.alignment.refinement.outlier_rejection import NOT_COMPARABLE
from dust3r_sfm.alignment.report import NO_PAIR, NOT_HELD, ONLY_TURNED
from dust3r_sfm.alignment.verification import scene_parts
from dust3r_sfm.alignment.verification.proved_scenes import STILL_CHANGING
from dust3r_sfm.alignment.verification.repeated_structure import TWO_PLACES

_OVERLAP = "Take photos that overlap it by half or more, from a step or two aside."

_OF_REASON = (
    (
        "show nothing in common",
        "Take photos in between, so that each shows much of the next. Learned matches (--features aliked) "
        "or a network (--regressor mast3r) join photos that look less alike.",
    ),
    ("disagrees by", "Its pairs contradict the others. " + _OVERLAP),
    (UNDECIDED, "Its pairs contradict each other. " + _OVERLAP),
    (ONLY_TURNED, "Step aside between photos: a camera that only turns sees no depth."),
    (TWO_PLACES, "Take photos that show both places at once, or something there that is not repeated."),
    (NO_PAIR, "Compare it with more photos: --pairs complete or --pairs retrieval-8."),
    (NOT_HELD, _OVERLAP),
    ("(give --focal)", "Give the focal with --focal, and take a third photo that shows the same."),
    (scene_parts.UNCHECKED, "Take a third photo that shows the same: a single pair is not believed."),
    (scene_parts.NOT_HELD, "Take photos of the same from more places; step aside between them."),
    (
        scene_parts.NO_WITNESS,
        "Something looks alike, or it moved: mask what moves (--masks), and take more photos.",
    ),
    ("seen by two other photos", "Take a photo or two beside it: three must see the same points."),
    ("degrees only", "Take a photo or two beside it, from a step aside, that show much of the same."),
    ("agree with the other views", "Something looks alike, or it moved: mask what moves (--masks)."),
    ("fit one relative pose", _OVERLAP),
    ("miss by", _OVERLAP),
    (NOT_COMPARABLE, _OVERLAP),
    (STILL_CHANGING, "The whole scene hangs on few matches. " + _OVERLAP),
    ("the mask leaves nothing", "Masks are black where a photo must NOT be used."),
    ("mirrored", "Save the photo unmirrored."),
    ("HEIC needs", "Install what the reason names, or save the photo as JPEG."),
    ("not a JPEG", "If this is a photo, save it as JPEG or PNG; if it is none, nothing is lost."),
    ("cannot be decoded", "The file is damaged: copy it from the camera again."),
    ("is empty", "The file is damaged: copy it from the camera again."),
    ("are too few", "Use the photo at its full size."),
    ("too narrow", "Use the photo at its full size."),
)


def advice_for(reason: str) -> str:
    """A sentence or two on what to do about a photo that was left out for this reason."""
    return next((advice for phrase, advice in _OF_REASON if phrase in reason), _OVERLAP)
