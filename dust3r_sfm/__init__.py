"""Photos in, cameras and points out.

    from pathlib import Path
    from dust3r_sfm import export_scene, reconstruct
    from dust3r_sfm.exporters import NerfstudioExport

    scene = reconstruct(Path("photos"), output=Path("out"))
    export_scene(scene, Path("dataset"), NerfstudioExport())

What most programs need is here; each stage's own room has the rest: `dust3r_sfm.alignment`, `.dense`,
`.evaluation`, `.evidence`, `.exporters`, `.images`, `.io`, `.localization`, `.pairwise`, `.pipeline`,
`.regressors.network`, `.regressors.stereo`, `.types`, `.view_graph` and `.viewer`.

Names are imported when they are first used: `import dust3r_sfm` loads neither torch nor pycolmap.
"""

from typing import TYPE_CHECKING, Any

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.alignment import AlignmentConfig, align
    from dust3r_sfm.dense import fuse_depth, fuse_points
    from dust3r_sfm.errors import Dust3rSfmError
    from dust3r_sfm.images import load_views
    from dust3r_sfm.inference import measure_pairs
    from dust3r_sfm.io import load_scene, save_scene
    from dust3r_sfm.localization import Localizer, read_reference
    from dust3r_sfm.pipeline import ReconstructConfig, export_scene, reconstruct, reconstruct_all
    from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
    from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
    from dust3r_sfm.types import Camera, Pair, Reconstruction, Scene, View
    from dust3r_sfm.view_graph import ViewGraph
    from dust3r_sfm.viewer.notebook import show

    __version__: str

__all__ = [
    "AlignmentConfig",
    "Camera",
    "Dust3rSfmError",
    "Localizer",
    "NetworkRegressor",
    "NetworkRegressorConfig",
    "Pair",
    "ReconstructConfig",
    "Reconstruction",
    "Scene",
    "StereoConfig",
    "StereoRegressor",
    "View",
    "ViewGraph",
    "__version__",
    "align",
    "export_scene",
    "fuse_depth",
    "fuse_points",
    "load_scene",
    "load_views",
    "measure_pairs",
    "read_reference",
    "reconstruct",
    "reconstruct_all",
    "save_scene",
    "show",
]

_get, _names = lazy_names(
    __name__,
    {
        "AlignmentConfig": "alignment",
        "Camera": "types",
        "Dust3rSfmError": "errors",
        "Localizer": "localization",
        "NetworkRegressor": "regressors.network",
        "NetworkRegressorConfig": "regressors.network",
        "Pair": "types",
        "ReconstructConfig": "pipeline",
        "Reconstruction": "types",
        "Scene": "types",
        "StereoConfig": "regressors.stereo",
        "StereoRegressor": "regressors.stereo",
        "View": "types",
        "ViewGraph": "view_graph",
        "align": "alignment",
        "export_scene": "pipeline",
        "fuse_depth": "dense",
        "fuse_points": "dense",
        "load_scene": "io",
        "load_views": "images",
        "measure_pairs": "inference",
        "read_reference": "localization",
        "reconstruct": "pipeline",
        "reconstruct_all": "pipeline",
        "save_scene": "io",
        "show": "viewer.notebook",
    },
)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # Reading the metadata takes longer than all the rest of importing this package.
        from importlib.metadata import version

        return version("dust3r-sfm")
    return _get(name)


def __dir__() -> list[str]:
    return sorted({*_names(), "__version__"})
