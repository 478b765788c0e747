"""The files of a finished reconstruction."""

from collections.abc import Sequence
from pathlib import Path

from dust3r_sfm.dense.fused_cloud import CloudFusionConfig, fuse_points
from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.exporters.colmap import export_colmap
from dust3r_sfm.exporters.depth_maps import export_depth_maps
from dust3r_sfm.exporters.glb import export_glb
from dust3r_sfm.exporters.point_cloud import export_point_cloud
from dust3r_sfm.exporters.report import RunFacts, report_json, write_report
from dust3r_sfm.exporters.report_page.content import page_content
from dust3r_sfm.exporters.report_page.drawn_scene import DrawnScene, draw_scene
from dust3r_sfm.exporters.report_page.page import write_report_page
from dust3r_sfm.io.scene_file import SCENE_FILE, save_scene
from dust3r_sfm.pipeline.config import ReconstructConfig
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import Reconstruction, Scene, View

_FILES_OF_SCENE = 5
"""Files and folders, as progress counts them."""
_POINT_BYTES = 27
"""Of the cloud: place and normal in single precision, colour."""


def write_results(
    reconstruction: Reconstruction,
    views: Sequence[View],
    facts: RunFacts,
    folder: Path,
    config: ReconstructConfig,
    progress: Progress,
) -> None:
    """Writes all files of `output.RESULTS`: sparse/0, 1, ... for every scene; the dense ones of the
    largest into `folder` itself, those of scene k into components/k. `views`: all that were aligned."""
    folder.mkdir()
    page = config.export.report_page
    drawn: list[DrawnScene] = []
    placed = sum(len(scene.views) for scene in reconstruction.scenes)
    for index, scene in enumerate(reconstruction.scenes):
        fusion = CloudFusionConfig(max_points=config.export.max_cloud_points, seed=config.seed)
        cloud = fuse_points(scene, fusion, progress)
        progress.start("Exporting", _FILES_OF_SCENE, "files")
        export_colmap(scene, folder / "sparse" / str(index), config.export.colmap)
        progress.advance()
        _write_dense(scene, cloud, folder if index == 0 else folder / "components" / str(index), progress)
        if page is not None:
            # As many points as it has of the photos: a cloud is large, and none is kept.
            drawn.append(draw_scene(scene, cloud, page.max_points * len(scene.views) // placed, page))
    progress.start("Writing the report", 1, "steps")
    report = report_json(reconstruction, facts)
    write_report(report, folder / "report.json")
    if page is not None:
        write_report_page(page_content(report, reconstruction, drawn, views, page), folder / "report.html")
    progress.advance()


def results_bytes(reconstruction: Reconstruction, config: ReconstructConfig) -> int:
    """About what `write_results` writes: depth and confidence twice, pictures, the cloud twice. Pictures of
    depth, the model and the report take little beside them."""
    total = 0
    for scene in reconstruction.scenes:
        maps = sum(values.nbytes for values in (*scene.depth, *scene.confidence))
        pixels, most = sum(depth.size for depth in scene.depth), config.export.max_cloud_points
        cloud = pixels if most is None else min(most, pixels)
        total += 2 * maps + sum(view.image.nbytes for view in scene.views) + 2 * _POINT_BYTES * cloud
    return total


def _write_dense(scene: Scene, cloud: PointCloud, folder: Path, progress: Progress) -> None:
    export_point_cloud(cloud, folder / "points.ply")
    progress.advance()
    export_glb(scene, cloud, folder / "scene.glb")
    progress.advance()
    export_depth_maps(scene, folder / "depth")
    progress.advance()
    save_scene(scene, folder / SCENE_FILE)
    progress.advance()
