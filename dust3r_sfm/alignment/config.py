"""What a user may choose about alignment."""

from dataclasses import dataclass

from dust3r_sfm.camera_sharing import CameraSharing


@dataclass(frozen=True)
class AlignmentConfig:
    """cameras: which photos share a focal. bundle_adjustment: sharpen with tracks where there are
    correspondences. samples: pixels of each view that are solved with. matches: correspondences of a
    pair that are solved with (all of them go into tracks). fused_maps: depth maps of a view, the best
    ones, that are fused. seed: of every random choice."""

    cameras: CameraSharing = "auto"
    bundle_adjustment: bool = True
    samples: int = 512
    matches: int = 192
    fused_maps: int = 8
    seed: int = 0
