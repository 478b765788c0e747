"""Every form that a scene can be exported in, each a config."""

from dataclasses import dataclass, field

from dust3r_sfm.dense.floaters import FloaterConfig
from dust3r_sfm.dense.fused_cloud import CloudFusionConfig
from dust3r_sfm.exporters.config import (
    ColmapDataset,
    ColmapDense,
    ColmapExport,
    GlbChoices,
    MeshChoice,
    NerfstudioExport,
)


@dataclass(frozen=True)
class PlyExport(MeshChoice):
    """points.ply of the fused cloud, and mesh.ply, a surface through it."""

    fusion: CloudFusionConfig = field(default_factory=CloudFusionConfig)
    """How depth becomes one cloud."""
    floaters: FloaterConfig | None = None
    """What is removed from it as hanging in the air. None: nothing."""


@dataclass(frozen=True)
class GlbExport(GlbChoices, MeshChoice):
    """scene.glb: the fused cloud, or a surface through it, and a pyramid for each camera."""

    fusion: CloudFusionConfig = field(default_factory=CloudFusionConfig)
    """How depth becomes one cloud."""
    floaters: FloaterConfig | None = None
    """What is removed from it as hanging in the air. None: nothing."""


@dataclass(frozen=True)
class ColmapDatabase:
    """database.db of the photos, keypoints and matches, from which COLMAP's mappers go on."""


@dataclass(frozen=True)
class DepthExport:
    """Depth and confidence of each view, as arrays and as pictures."""


ExportFormat = (
    ColmapExport
    | ColmapDataset
    | ColmapDatabase
    | NerfstudioExport
    | ColmapDense
    | PlyExport
    | GlbExport
    | DepthExport
)
