"""Photos that hold together, with their cameras: the one state that the stages of alignment hand on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.types import AlignmentStage, Camera, Pair, Tracks


@dataclass(frozen=True)
class AdjustmentOutcome:
    """What became of bundle adjustment."""

    text: str = "not run"
    """Whether it was kept, and why: for the report."""
    kept: bool = False
    """Whether the cameras are the adjusted ones."""
    settled: bool = False
    """Whether the last adjustment hardly moved the focals."""
    error_before_px: float | None = None
    """Mean bounded reprojection error of all tracks under the cameras before, in stored pixels."""
    error_after_px: float | None = None
    """The same under the adjusted cameras; None where there are none."""


@dataclass(frozen=True)
class Component:
    """Per-view sequences, and `tracks.view_index`, run parallel to `members`."""

    members: tuple[int, ...]
    """Indices among ALL views, ascending."""
    cameras: tuple[Camera, ...]
    """In view pixels."""
    cam_from_world: Float[np.ndarray, "n 4 4"]
    """In a world of its own: from averaging on about the first member and of median depth 1; or as poses are
    given, and in their size where there are two."""
    scales: Mapping[Pair, float]
    """World units that a unit of each used pair is long; pairs are of indices among all views."""
    residual_px: Mapping[Pair, float]
    """Of each used pair, by how much its points miss their pixels before bundle adjustment (median, view
    pixels)."""
    tracks: Tracks = field(default_factory=Tracks.empty)
    adjustment: AdjustmentOutcome = AdjustmentOutcome()
    stages: tuple[AlignmentStage, ...] = ()
    """What it went through."""

    def __len__(self) -> int:
        return len(self.members)

    @property
    def local(self) -> dict[int, int]:
        """The row of each member."""
        return {member: row for row, member in enumerate(self.members)}

    def without(self, gone: Collection[int]) -> "Component":
        """Without these members (by index among all views) and their pairs, and without any tracks."""
        rows = [row for row, member in enumerate(self.members) if member not in gone]
        inside = [pair for pair in self.scales if pair.i not in gone and pair.j not in gone]
        return replace(
            self,
            members=tuple(self.members[row] for row in rows),
            cameras=tuple(self.cameras[row] for row in rows),
            cam_from_world=self.cam_from_world[rows],
            scales={pair: self.scales[pair] for pair in inside},
            residual_px={pair: self.residual_px[pair] for pair in inside},
            tracks=Tracks.empty(),
        )
