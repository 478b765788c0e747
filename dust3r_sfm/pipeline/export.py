"""A saved scene as files for another program, without reconstructing anything."""

from dataclasses import replace
from pathlib import Path

from dust3r_sfm.dense.choices import SkyChoice, UpChoice
from dust3r_sfm.dense.floaters import remove_floaters
from dust3r_sfm.dense.fused_cloud import fuse_points
from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.dense.sky import with_sky
from dust3r_sfm.dense.upright import with_up
from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.exporters.colmap import export_colmap
from dust3r_sfm.exporters.colmap_database import DATABASE_FILE, export_colmap_database
from dust3r_sfm.exporters.colmap_dataset import export_colmap_dataset
from dust3r_sfm.exporters.colmap_dense import export_colmap_dense
from dust3r_sfm.exporters.config import ColmapDataset, ColmapDense, ColmapExport, NerfstudioExport
from dust3r_sfm.exporters.depth_maps import export_depth_maps
from dust3r_sfm.exporters.formats import ColmapDatabase, ExportFormat, GlbExport, PlyExport
from dust3r_sfm.exporters.glb import export_glb
from dust3r_sfm.exporters.images.image_files import relocate_photo
from dust3r_sfm.exporters.mesh import export_mesh
from dust3r_sfm.exporters.nerfstudio import export_nerfstudio
from dust3r_sfm.exporters.point_cloud import export_point_cloud
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.io.outputs.locks import take_lock
from dust3r_sfm.io.scene_file import SCENE_FILE, load_scene
from dust3r_sfm.pipeline.output import as_output_error
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Scene, UpAxis


def load_saved_scene(place: Path, photos: Path | None = None) -> Scene:
    """The scene in a folder that `reconstruct` wrote (the largest), or in its scene.npz. With `photos`, its
    photos are looked for below that folder. Raises InputError if there is none."""
    if photos is not None and not photos.is_dir():
        raise InputError(f"{photos}: no such folder; name the one that the photos of the scene are in")
    scene = load_scene(place)
    return (
        scene
        if photos is None
        else replace(scene, views=tuple(relocate_photo(view, photos) for view in scene.views))
    )


def prepare_scene(
    scene: Scene,
    up: UpChoice | None,
    sky: SkyChoice,
    upright: bool = True,
    progress: Progress | None = None,
) -> Scene:
    """The scene with its up as it is told (None: as its report says), and without its sky if that is not to
    be kept. Where nobody asked before, up is found if it shall stand `upright` or its sky is wanted."""
    wanted = upright or sky != "keep"
    if up is not None or (wanted and scene.report.up == UpAxis()):
        scene = with_up(scene, up or "auto", progress=progress)
    return with_sky(scene, sky, progress)


def export_scene(
    scene: Scene,
    output: Path,
    config: ExportFormat | None = None,
    progress: Progress | None = None,
    *,
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Writes the scene into the folder `output`, which appears when all of it is there, and returns the
    names of what was written. Without `config`, the images and a COLMAP model of them (`ColmapDataset`).

    Into a folder that is not empty only with `overwrite`: what has the same name is replaced, everything
    else stays. Raises OutputError for a folder that cannot be written or holds the photos themselves,
    InputError for photos that are needed and gone.
    """
    held = _is_taken(output)
    if held and not overwrite:
        raise OutputError(f"{output}: is not empty; choose another folder, or replace with --overwrite")
    if held and (output / SCENE_FILE).exists():
        raise OutputError(
            f"{output}: holds a reconstruction, whose files would be replaced; choose another folder"
        )
    if held:
        _check_photos_are_elsewhere(scene, output)
    # A folder that is there stays: it may be the current one, or a mount point.
    if not output.is_dir():
        return _write_whole(scene, output, config, progress)
    with as_output_error(output):
        lock = take_lock(output / ".export.lock", output)
    try:
        names = _write_whole(scene, output / ".export", config, progress, replace=True)
        with as_output_error(output):
            _move(output / ".export", output)
    finally:
        lock.release()
    return names


def _write_whole(
    scene: Scene,
    target: Path,
    config: ExportFormat | None,
    progress: Progress | None,
    replace: bool = False,
) -> tuple[str, ...]:
    with as_output_error(target), write_atomically(target, replace=replace) as partial:
        partial.mkdir(parents=True)
        _write(scene, partial, config or ColmapDataset(), progress or Silent())
        return tuple(sorted(path.name for path in partial.iterdir()))


def _is_taken(output: Path) -> bool:
    """Whether the output is a folder with something in it."""
    with as_output_error(output):
        if output.exists() and not output.is_dir():
            raise OutputError(f"{output}: is a file; name a folder that does not exist yet")
        return output.exists() and any(output.iterdir())


def _check_photos_are_elsewhere(scene: Scene, output: Path) -> None:
    inside = output.resolve()
    for view in scene.views:
        if view.path is not None and view.path.resolve().is_relative_to(inside):
            raise OutputError(f"{output}: holds the photos themselves ({view.path}); choose another folder")


def _move(source: Path, output: Path) -> None:
    """Brings each thing in `source` to `output`, where it takes the place of its namesake."""
    for path in sorted(source.iterdir()):
        with write_atomically(output / path.name, replace=True) as partial:
            path.rename(partial)
    source.rmdir()


def _write(scene: Scene, folder: Path, config: ExportFormat, progress: Progress) -> None:
    if isinstance(config, ColmapExport):
        export_colmap(scene, folder / "sparse" / "0", config)
    elif isinstance(config, ColmapDataset):
        export_colmap_dataset(scene, folder, config, progress)
    elif isinstance(config, ColmapDatabase):
        export_colmap_database(scene, folder / DATABASE_FILE, progress)
    elif isinstance(config, NerfstudioExport):
        export_nerfstudio(scene, folder, config, progress)
    elif isinstance(config, ColmapDense):
        export_colmap_dense(scene, folder, config, progress)
    elif isinstance(config, PlyExport):
        _export_ply(scene, folder, config, progress)
    elif isinstance(config, GlbExport):
        cloud = _cloud(scene, config, progress)
        if config.mesh:
            progress.start("Meshing", 1, "clouds")
        export_glb(scene, cloud, folder / "scene.glb", config, config.mesh)
    else:
        export_depth_maps(scene, folder / "depth")


def _cloud(scene: Scene, config: PlyExport | GlbExport, progress: Progress) -> PointCloud:
    cloud = fuse_points(scene, config.fusion, progress)
    if config.floaters is None:
        return cloud
    progress.start("Removing floaters", 1, "clouds")
    centres = invert_rigid(scene.cam_from_world)[:, :3, 3]
    return remove_floaters(cloud, centres, config.floaters)


def _export_ply(scene: Scene, folder: Path, config: PlyExport, progress: Progress) -> None:
    cloud = _cloud(scene, config, progress)
    export_point_cloud(cloud, folder / "points.ply")
    if config.mesh:
        progress.start("Meshing", 1, "clouds")
        export_mesh(cloud, folder / "mesh.ply")
