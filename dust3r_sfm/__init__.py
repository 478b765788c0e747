"""Photos in, cameras and points out.

    from pathlib import Path
    import dust3r_sfm

    scene = dust3r_sfm.reconstruct(Path("photos"), output=Path("out"))
    dust3r_sfm.export_scene(scene, Path("dataset"), dust3r_sfm.NerfstudioExport())

Names are imported when they are first used: `import dust3r_sfm` loads neither torch nor pycolmap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dust3r_sfm.alignment import AlignmentConfig, align
    from dust3r_sfm.dense import fuse_depth
    from dust3r_sfm.errors import Dust3rSfmError
    from dust3r_sfm.evidence import Evidence, evidence_from_predictions
    from dust3r_sfm.exporters.colmap import ColmapExport, export_colmap
    from dust3r_sfm.exporters.colmap_dataset import ColmapDataset
    from dust3r_sfm.exporters.colmap_dense import ColmapDense
    from dust3r_sfm.exporters.nerfstudio import NerfstudioExport
    from dust3r_sfm.images import load_view, load_views
    from dust3r_sfm.inference import measure_pairs
    from dust3r_sfm.io.scene_file import load_scene, save_scene
    from dust3r_sfm.pairwise import (
        camera_from_pointmap,
        depth_maps,
        pair_scene,
        predict_pair,
        relative_camera,
        single_depth,
    )
    from dust3r_sfm.pipeline import ReconstructConfig, reconstruct, reconstruct_all
    from dust3r_sfm.pipeline.export import (
        DepthExport,
        GlbExport,
        PlyExport,
        export_scene,
        saved_scene,
    )
    from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
    from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
    from dust3r_sfm.types import Reconstruction, Scene

    __version__: str

__all__ = [
    "AlignmentConfig",
    "ColmapDataset",
    "ColmapDense",
    "ColmapExport",
    "DepthExport",
    "Dust3rSfmError",
    "Evidence",
    "GlbExport",
    "NerfstudioExport",
    "NetworkRegressor",
    "NetworkRegressorConfig",
    "PlyExport",
    "ReconstructConfig",
    "Reconstruction",
    "Scene",
    "StereoConfig",
    "StereoRegressor",
    "__version__",
    "align",
    "camera_from_pointmap",
    "depth_maps",
    "evidence_from_predictions",
    "export_colmap",
    "export_scene",
    "fuse_depth",
    "load_scene",
    "load_view",
    "load_views",
    "measure_pairs",
    "pair_scene",
    "predict_pair",
    "reconstruct",
    "reconstruct_all",
    "relative_camera",
    "save_scene",
    "saved_scene",
    "single_depth",
]

_MODULE_OF = {
    "AlignmentConfig": "alignment",
    "ColmapDataset": "exporters.colmap_dataset",
    "ColmapDense": "exporters.colmap_dense",
    "ColmapExport": "exporters.colmap",
    "DepthExport": "pipeline.export",
    "Dust3rSfmError": "errors",
    "Evidence": "evidence",
    "GlbExport": "pipeline.export",
    "NerfstudioExport": "exporters.nerfstudio",
    "NetworkRegressor": "regressors.network",
    "NetworkRegressorConfig": "regressors.network",
    "PlyExport": "pipeline.export",
    "ReconstructConfig": "pipeline",
    "Reconstruction": "types",
    "Scene": "types",
    "StereoConfig": "regressors.stereo",
    "StereoRegressor": "regressors.stereo",
    "align": "alignment",
    "camera_from_pointmap": "pairwise",
    "depth_maps": "pairwise",
    "evidence_from_predictions": "evidence",
    "export_colmap": "exporters.colmap",
    "export_scene": "pipeline.export",
    "fuse_depth": "dense",
    "load_scene": "io.scene_file",
    "load_view": "images",
    "load_views": "images",
    "measure_pairs": "inference",
    "pair_scene": "pairwise",
    "predict_pair": "pairwise",
    "reconstruct": "pipeline",
    "reconstruct_all": "pipeline",
    "relative_camera": "pairwise",
    "save_scene": "io.scene_file",
    "saved_scene": "pipeline.export",
    "single_depth": "pairwise",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # Reading the metadata takes longer than all the rest of importing this package.
        from importlib.metadata import version

        return version("dust3r-sfm")
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
