"""What commands let users choose by a word, which the library's configs have as objects."""

from dataclasses import dataclass
from typing import Literal

REGRESSORS = "auto|stereo|mast3r|dust3r|...|PATH"
PAIRS = "auto|complete|retrieval-8|swin-5|logwin-3|oneref-0|FILE"

UP = "auto|none|+x|-x|+y|-y|+z|-z"

DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
AlignmentChoice = Literal["solved", "gradient"]


@dataclass(frozen=True)
class NamedChoices:
    """Options are made of these as of the library's own (`option`)."""

    regressor: str = "auto"
    """What measures a pair. stereo: embedded, needs no download. mast3r, dust3r, ...: networks, see
    dust3r-sfm models. PATH: of a network's weights. auto: the best whose weights are on this machine."""
    pairs: str = "auto"
    """Which photos are compared. auto: all with all up to 40 photos, beyond that neighbours in the order they
    were taken. retrieval: each with the 8 that look most like it, whatever their order. swin, logwin: only
    neighbours (add -noncyclic if the last does not meet the first). FILE: two photo names a line."""
    device: DeviceChoice = "auto"
    """Where it computes. auto: networks on a GPU if there is one, stereo on the CPU."""
    alignment: AlignmentChoice = "solved"
    """How pairs become one scene. gradient: the published descent, which believes every pair; slow, for few
    photos, to compare."""
