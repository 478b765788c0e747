"""What may be chosen about matching."""

from dataclasses import dataclass

import torch

DEVICE_BLOCKS = 32
"""Times as large as on a CPU that the largest table on an accelerator may be, which has the memory for it and
is not full with less."""


@dataclass(frozen=True)
class MatchingConfig:
    """How reciprocal matches are searched (MASt3R, section 3.3), and which are kept."""

    stride: int = 8
    """The search starts from every such pixel of both images; 1 finds every reciprocal pair there is."""
    rounds: int = 10
    """Of the search: seeds that have not come back to themselves by then give no match."""
    most: int = 2048
    """Matches of a pair that are kept, spread over the image."""
    descriptor_confidence: float = 1.001
    """A match of descriptors needs this as the geometric mean of both: as MASt3R's authors take for
    mapping."""
    point_confidence: float = 3.0
    """What a point needs to be matched at all: as DUSt3R's authors take for localization."""
    point_distance: float = 0.02
    """How far apart matching points may be, as a fraction of their distance to the camera."""
    subpixel: bool = True
    """Whether matching points say where between pixels of the second image they are."""
    block: int = 2**22
    """Numbers in the largest table made at once on a CPU, in whose cache it should stay; an accelerator makes
    them `DEVICE_BLOCKS` times as large."""

    def rows_at_once(self, columns: int, device: torch.device) -> int:
        """Of a table of so many columns."""
        blocks = 1 if device.type == "cpu" else DEVICE_BLOCKS
        return max(1, self.block * blocks // columns)
