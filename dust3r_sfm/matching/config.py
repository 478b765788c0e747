"""What may be chosen about matching."""

from dataclasses import dataclass

import torch

DEVICE_BLOCKS = 32


@dataclass(frozen=True)
class MatchingConfig:
    """`stride`: the search starts from every such pixel of both images; 1 finds every reciprocal pair
    there is. `rounds`: of the search. `most`: matches of a pair that are kept, spread over the image.

    `descriptor_confidence`: a match of descriptors needs this as the geometric mean of both (1.001 as
    MASt3R's authors take for mapping). `point_confidence`: what a point needs to be matched at all (3, as
    DUSt3R's authors take for localization). `point_distance`: how far apart matching points may be, as a
    fraction of their distance to the camera. `subpixel`: matching points say where between pixels of the
    second image they are. `block`: numbers in the largest table made at once on
    a CPU, in whose cache it should stay; an accelerator makes them `DEVICE_BLOCKS` times as large.
    """

    stride: int = 8
    rounds: int = 10
    most: int = 2048
    descriptor_confidence: float = 1.001
    point_confidence: float = 3.0
    point_distance: float = 0.02
    subpixel: bool = True
    block: int = 2**22

    def rows_at_once(self, columns: int, device: torch.device) -> int:
        """Of a table of so many columns."""
        blocks = 1 if device.type == "cpu" else DEVICE_BLOCKS
        return max(1, self.block * blocks // columns)
