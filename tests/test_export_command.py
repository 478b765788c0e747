"""`dust3r-sfm export` as a user meets it: what it writes, says, refuses, and how it ends."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest
import trimesh
from plane_world import MIXED, plane_scene, write_photos
from trainer_readers import nerfstudio_folder, splat_folder

from dust3r_sfm.cli import main
from dust3r_sfm.errors import OutputError
from dust3r_sfm.exporters.formats import DepthExport, GlbExport
from dust3r_sfm.io.outputs.locks import take_lock
from dust3r_sfm.io.scene_file import save_scene
from dust3r_sfm.pipeline.export import export_scene, load_saved_scene

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """What `reconstruct` leaves: a folder with a scene, beside its photos."""
    root = tmp_path_factory.mktemp("finished")
    write_photos(root / "photos", MIXED[:4])
    save_scene(plane_scene(root / "photos", MIXED[:4]), root / "out" / "scene.npz")
    return root / "out"


@pytest.fixture
def run(finished: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Exports to tmp_path/new: exit code, stdout, stderr."""

    def call(form: str, *options: str | Path, scene: Path = finished) -> tuple[int, str, str]:
        arguments = ("export", scene, "--format", form, "--output", tmp_path / "new", *options)
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capfd.readouterr()

    return call


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("colmap", ["images", "names.json", "sparse"]),
        (
            "nerfstudio",
            [
                *("colmap", "depths", "depths_2", "depths_4", "depths_8"),
                *("images", "images_2", "images_4", "images_8"),
                *("names.json", "sparse", "sparse_pc.ply", "transforms.json"),
            ],
        ),
        ("ply", ["points.ply"]),
        ("glb", ["scene.glb"]),
        ("depth", ["depth"]),
        ("colmap-dense", ["images", "names.json", "sparse", "stereo"]),
        ("colmap-database", ["database.db"]),
    ],
)
def test_every_format(run: Run, tmp_path: Path, form: str, names: list[str]) -> None:
    code, out, err = run(form, "--quiet")
    assert (code, err) == (0, "")
    assert out == f"4 images, in {tmp_path / 'new'}: {', '.join(names)}\n"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    assert {path.name for path in tmp_path.iterdir()} == {"new"}


def test_options_reach_the_files(run: Run, tmp_path: Path) -> None:
    options = ("--long-edge", "200", "--downscales", "1", "--no-depth", "--max-points", "60")
    code, out, err = run("nerfstudio", *options, "--min-observations", "3")
    assert code == 0, err
    assert out.splitlines()[1:] == [f"next: ns-train splatfacto --data {tmp_path / 'new'}"]
    assert err.splitlines()[1:] == ["Finding up: 4 views", "Writing images: 4 images"]
    assert re.fullmatch(r"4 images of .*, to be written as nerfstudio", err.splitlines()[0])
    assert all(image.width <= 200 for image in splat_folder(tmp_path / "new"))
    assert nerfstudio_folder(tmp_path / "new", 2)[0][0].depth is None
    assert not (tmp_path / "new" / "images_4").exists()
    model = pycolmap.Reconstruction(tmp_path / "new" / "sparse" / "0")
    assert model.num_points3D() == 60
    assert min(point.track.length() for point in model.points3D.values()) >= 3


def test_photos_may_stay_where_they_are(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("colmap", "--images", "leave", "--max-points", "all", "--quiet")
    assert (code, out) == (0, f"4 images, in {tmp_path / 'new'}: sparse\n")
    written = tmp_path / "new" / "sparse" / "0"
    # One of the names has a blank, which the text form cannot hold.
    assert {path.name for path in written.iterdir()} == {
        f"{part}.bin" for part in ("cameras", "images", "points3D", "rigs", "frames")
    }
    names = {image.name for image in pycolmap.Reconstruction(written).images.values()}
    assert names == {shot.name for shot in MIXED[:4]}


def test_a_glb_as_it_is_wanted(run: Run, tmp_path: Path) -> None:
    looks = (
        "--up",
        "+z",
        "--cameras",
        "photos",
        "--camera-size",
        "0.2",
        "--remove-floaters",
        "--sky",
        "remove",
    )
    code, _, err = run("glb", "--max-points", "4000", *looks)
    assert code == 0, err
    assert err.splitlines()[1:] == [
        *("Finding sky: 4 views", "Fusing points: 4 views", "Removing floaters: 1 cloud"),
    ]
    names = set(trimesh.load(tmp_path / "new" / "scene.glb").geometry)
    assert names == {
        "points",
        *(shot.name for shot in MIXED[:4]),
        *(f"{shot.name} (photo)" for shot in MIXED[:4]),
    }


def test_a_cloud_with_its_surface(run: Run, tmp_path: Path) -> None:
    code, _, err = run("ply", "--mesh", "--max-points", "4000", "--min-views", "3")
    assert code == 0, err
    assert err.splitlines()[1:] == ["Fusing points: 4 views", "Meshing: 1 cloud"]
    assert 0 < len(trimesh.load(tmp_path / "new" / "points.ply").vertices) <= 4000
    assert (tmp_path / "new" / "mesh.ply").exists()


@pytest.mark.parametrize(
    ("form", "options", "says"),
    [
        ("ply", ["--downscales", "2"], "--downscales: means nothing to --format ply"),
        ("depth", ["--max-points", "all"], "--max-points: means nothing to --format depth"),
        ("colmap", ["--mesh"], "--mesh: means nothing to --format colmap"),
        ("nerfstudio", ["--images", "leave"], "--images leave: a nerfstudio folder needs its images"),
        ("colmap", ["--images", "leave", "--long-edge", "9"], "--images leave: the model is of the stored"),
        ("ply", ["--cameras", "none"], "--cameras: means nothing to --format ply"),
        ("depth", ["--up", "+z"], "--up: means nothing to --format depth"),
        ("nerfstudio", ["--remove-floaters"], "--remove-floaters: means nothing to --format nerfstudio"),
        ("glb", ["--camera-size", "0"], "--camera-size 0.0: give a positive number"),
        ("glb", ["--camera-size", "nan"], "--camera-size nan: give a number that is finite"),
        ("colmap", ["--long-edge", "0"], "--long-edge 0: give 1 or more"),
        ("colmap", ["--max-points", "-1"], "--max-points -1: give 0 or more"),
        ("colmap", ["--min-observations", "1"], "--min-observations 1: give 2 or more"),
        ("nerfstudio", ["--downscales", "9"], "--downscales 9: give 8 or fewer"),
        ("ply", ["--min-views", "0"], "--min-views 0: give 1 or more"),
        ("ply", ["--min-confidence", "nan"], "--min-confidence nan: give a number that is finite"),
        ("nerfstudio", ["--photos", "nowhere"], "nowhere: no such folder"),
        ("nerfstudio", ["--photos", "."], "there is no such file; name the folder"),
    ],
)
def test_what_is_refused(run: Run, tmp_path: Path, form: str, options: list[str], says: str) -> None:
    code, out, err = run(form, *options, "--quiet")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert says in err
    assert len(err.splitlines()) == 1
    assert not any(tmp_path.iterdir())


def test_what_is_no_scene(run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    code, _, err = run("ply", scene=other)
    assert (code, err) == (
        2,
        f"error: {other}: holds no scene.npz; name a folder that `dust3r-sfm reconstruct` wrote\n",
    )
    (other / "scene.npz").write_bytes(b"PK nothing")
    code, _, err = run("ply", scene=other)
    assert code == 2
    assert "not a scene file" in err
    code, _, err = run("ply", scene=other / "none.npz")
    assert code == 2
    assert "no such scene file" in err


def test_unknown_formats_end_with_2(run: Run) -> None:
    code, _, err = run("obj")
    assert code == 2
    assert "obj" in err


def test_a_folder_with_something_in_it_is_only_written_to_when_told(run: Run, tmp_path: Path) -> None:
    new = tmp_path / "new"
    (new / "images").mkdir(parents=True)
    (new / "images" / "old.png").write_text("old")
    (new / "mine.txt").write_text("mine")
    code, _, err = run("colmap", "--quiet")
    assert (code, err) == (
        3,
        f"error: {new}: is not empty; choose another folder, or replace with --overwrite\n",
    )
    code, _, err = run("colmap", "--quiet", "--overwrite")
    assert code == 0, err
    assert (new / "mine.txt").read_text() == "mine"
    assert not (new / "images" / "old.png").exists()
    assert len(splat_folder(new)) == 4
    assert sorted(path.name for path in new.iterdir()) == ["images", "mine.txt", "names.json", "sparse"]


def test_a_file_in_the_way(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("mine")
    code, _, err = run("ply")
    assert code == 3
    assert "is a file" in err


def test_photos_are_never_replaced(finished: Path) -> None:
    scene = load_saved_scene(finished)
    with pytest.raises(OutputError, match="holds the photos themselves"):
        export_scene(scene, finished.parent, GlbExport(), overwrite=True)


def test_a_failed_export_leaves_what_was_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "transforms.json").write_text("old")
    code, _, _ = run("nerfstudio", "--photos", str(tmp_path), "--overwrite", "--quiet")
    assert code == 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["transforms.json"]
    assert (tmp_path / "new" / "transforms.json").read_text() == "old"


def test_from_the_library(finished: Path, tmp_path: Path) -> None:
    scene = load_saved_scene(finished / "scene.npz", photos=finished.parent / "photos")
    assert scene.views[0].path == finished.parent / "photos" / scene.views[0].name
    assert export_scene(scene, tmp_path / "depth", DepthExport()) == ("depth",)
    with np.load(tmp_path / "depth" / "depth" / f"{scene.views[0].name}.npz") as file:
        np.testing.assert_array_equal(file["depth"], scene.depth[0])


def test_a_scene_is_not_exported_over_itself(
    tmp_path: Path, finished: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "scene.npz").symlink_to(finished / "scene.npz")
    (whole / "points.ply").write_text("of the reconstruction")
    (tmp_path / "components" / "1").mkdir(parents=True)
    (tmp_path / "components" / "1" / "scene.npz").write_bytes((finished / "scene.npz").read_bytes())
    for scene, output in (
        (whole, whole),
        (whole / "scene.npz", whole),
        (finished, whole),
        (tmp_path / "components" / "1", tmp_path / "components"),
    ):
        arguments = ("export", scene, "--format", "ply", "--output", output, "--overwrite", "--quiet")
        assert main([str(argument) for argument in arguments]) == 3
        assert "choose another" in capfd.readouterr().err
    assert (whole / "points.ply").read_text() == "of the reconstruction"
    assert sorted(path.name for path in whole.iterdir()) == ["points.ply", "scene.npz"]


def test_a_second_export_into_one_folder_is_told(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new").mkdir()
    lock = take_lock(tmp_path / "new" / ".export.lock", tmp_path / "new")
    code, _, err = run("ply", "--overwrite", "--quiet")
    assert code == 3
    assert "new: another run works there (process " in err
    lock.release()
    assert run("ply", "--overwrite", "--quiet")[0] == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["points.ply"]
