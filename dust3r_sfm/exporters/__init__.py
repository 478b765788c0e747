"""Scenes as files for other programs. `dust3r_sfm.export_scene` writes whole folders of each form."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.exporters.colmap import export_colmap
    from dust3r_sfm.exporters.colmap_database import export_colmap_database
    from dust3r_sfm.exporters.colmap_dataset import export_colmap_dataset
    from dust3r_sfm.exporters.colmap_dense import export_colmap_dense
    from dust3r_sfm.exporters.config import (
        ColmapDataset,
        ColmapDense,
        ColmapExport,
        ImageForm,
        NerfstudioExport,
    )
    from dust3r_sfm.exporters.depth_maps import depth_picture, export_depth_maps
    from dust3r_sfm.exporters.formats import ColmapDatabase, DepthExport, ExportFormat, GlbExport, PlyExport
    from dust3r_sfm.exporters.glb import export_glb
    from dust3r_sfm.exporters.mesh import export_mesh
    from dust3r_sfm.exporters.nerfstudio import export_nerfstudio
    from dust3r_sfm.exporters.point_cloud import export_point_cloud

__all__ = [
    "ColmapDatabase",
    "ColmapDataset",
    "ColmapDense",
    "ColmapExport",
    "DepthExport",
    "ExportFormat",
    "GlbExport",
    "ImageForm",
    "NerfstudioExport",
    "PlyExport",
    "depth_picture",
    "export_colmap",
    "export_colmap_database",
    "export_colmap_dataset",
    "export_colmap_dense",
    "export_depth_maps",
    "export_glb",
    "export_mesh",
    "export_nerfstudio",
    "export_point_cloud",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ColmapDatabase": "formats",
        "ColmapDataset": "config",
        "ColmapDense": "config",
        "ColmapExport": "config",
        "DepthExport": "formats",
        "ExportFormat": "formats",
        "GlbExport": "formats",
        "ImageForm": "config",
        "NerfstudioExport": "config",
        "PlyExport": "formats",
        "depth_picture": "depth_maps",
        "export_colmap": "colmap",
        "export_colmap_database": "colmap_database",
        "export_colmap_dataset": "colmap_dataset",
        "export_colmap_dense": "colmap_dense",
        "export_depth_maps": "depth_maps",
        "export_glb": "glb",
        "export_mesh": "mesh",
        "export_nerfstudio": "nerfstudio",
        "export_point_cloud": "point_cloud",
    },
)
