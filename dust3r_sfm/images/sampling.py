"""Which frames of a video are taken. Nothing heavy is imported: the help of the commands is made of it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class FrameSampling:
    """The video is cut into equally long parts, and each gives one frame."""

    count: int = 300
    """How many frames of a video are used: all, if it has fewer."""
    choice: Literal["sharpest", "even"] = "sharpest"
    """Of each of as many equal parts of the video, its sharpest frame, which leaves out what the hand shook,
    or its middle one (even)."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count is {self.count}: give 1 or more")
