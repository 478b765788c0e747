"""What `ns-process-dust3r` makes of photos and videos, with exact geometry in place of a regressor."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from dust3r_sfm_nerfstudio.command import ProcessDust3r
from dust3r_sfm_nerfstudio.running import run
from known_room import KilledError, LookupRegressor, Room, make_room
from PIL import Image

from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.io.outputs.locks import take_lock

COUNT = 3
Process = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def room() -> Room:
    return make_room("hall", 1, COUNT)


@pytest.fixture
def data(room: Room, tmp_path: Path) -> Path:
    room.write(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def process(
    room: Room, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Process:
    """Runs the command on data/ into out/ unless told otherwise: exit code, and what it said."""
    regressor = LookupRegressor((room,))
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: regressor)
    monkeypatch.setattr("dust3r_sfm.pipeline.regressors.cached_path", lambda name: None)

    def call(stop_after: int | None = None, **options: object) -> tuple[int, str]:
        regressor.stop_after, regressor.predicted = stop_after, []
        code = run(ProcessDust3r(**{"data": data, "output_dir": tmp_path / "out", **options}))  # type: ignore[arg-type]
        out, err = capfd.readouterr()
        assert err == ""
        return code, out

    return call


def transforms(out: Path) -> dict:
    return json.loads((out / "transforms.json").read_text())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_of_photos(process: Process, tmp_path: Path) -> None:
    code, said = process()
    assert code == 0, said
    assert re.search(r"─ 🎉 🎉 🎉 All DONE 🎉 🎉 🎉 ─", said)
    assert "Starting with 3 images" in said
    assert "dust3r found poses for all images, CONGRATS!" in said
    out = tmp_path / "out"
    frames = [f"frame_{number:05d}" for number in range(1, COUNT + 1)]
    assert set(names(out)) == {
        *("transforms.json", "sparse_pc.ply", "colmap", "sparse", "names.json", "dust3r"),
        *(kind + size for kind in ("images", "depths") for size in ("", "_2", "_4", "_8")),
    }
    assert names(out / "images") == names(out / "images_8") == [f"{frame}.png" for frame in frames]
    assert json.loads((out / "names.json").read_text())["frame_00002.png"] == "hall/1.png"
    assert {"report.json", "report.html", "scene.npz"} <= set(names(out / "dust3r"))
    meta = transforms(out)
    assert [frame["file_path"] for frame in meta["frames"]] == [f"images/{frame}.png" for frame in frames]
    assert (meta["w"], meta["h"]) == Image.open(out / "images" / "frame_00001.png").size


def test_poses_are_those_of_the_model(process: Process, room: Room, tmp_path: Path) -> None:
    process()
    out = tmp_path / "out"
    model = pycolmap.Reconstruction(out / "colmap" / "sparse" / "0")
    found = np.stack([model.images[i].projection_center() for i in sorted(model.images)])
    meta = transforms(out)
    applied = np.array(meta["applied_transform"])
    turned = np.stack([np.array(frame["transform_matrix"])[:3, 3] for frame in meta["frames"]])
    np.testing.assert_allclose(turned, found @ applied[:, :3].T + applied[:, 3], atol=1e-12)
    # And those of the room, up to a similarity: distances between cameras have one ratio.
    ratio = distances(found) / distances(invert_rigid(room.rig.cam_from_world)[:, :3, 3])
    assert ratio.std() / ratio.mean() < 1e-3


def distances(points: np.ndarray) -> np.ndarray:
    i, j = np.triu_indices(len(points), 1)
    return np.linalg.norm(points[i] - points[j], axis=1)


def test_eval_data_are_posed_with_the_others(process: Process, data: Path, tmp_path: Path) -> None:
    (tmp_path / "eval").mkdir()
    (data / "hall" / "2.png").rename(tmp_path / "eval" / "2.png")
    code, said = process(eval_data=tmp_path / "eval", num_downscales=0)
    assert code == 0, said
    images = ["frame_eval_00001.png", "frame_train_00001.png", "frame_train_00002.png"]
    assert names(tmp_path / "out" / "images") == images
    originals = json.loads((tmp_path / "out" / "names.json").read_text())
    assert originals["frame_eval_00001.png"] == "eval/2.png"
    assert originals["frame_train_00002.png"] == "data/hall/1.png"


def test_eval_data_that_are_training_data(process: Process, data: Path) -> None:
    code, said = process(eval_data=data / "hall")
    assert code == 2
    assert "keep them apart" in one_error(said)


def test_a_video(process: Process, room: Room, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="videos need PyAV, the extra [video]")
    with av.open(str(tmp_path / "film.mkv"), "w") as container:
        # The regressor knows photos by their pixels, so none may change.
        stream = container.add_stream("ffv1", rate=5, options={"level": "3"})
        stream.height, stream.width = room.images[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for image in room.images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    code, said = process(data=tmp_path / "film.mkv", num_frames_target=COUNT, num_downscales=1)
    assert code == 0, said
    out = tmp_path / "out"
    assert f"Starting with {COUNT} images" in said
    for number, image in enumerate(room.images, start=1):
        written = np.asarray(Image.open(out / "images" / f"frame_{number:05d}.png"))
        np.testing.assert_array_equal(written, image)
    assert process(data=tmp_path / "film.mkv", skip_image_processing=True)[0] == 2


def test_programs_get_events_and_nothing_else(process: Process, tmp_path: Path) -> None:
    code, said = process(reporting=ReportingOptions(progress="json", log_file=tmp_path / "log"))
    assert code == 0, said
    told = [json.loads(line) for line in said.splitlines()]
    assert [told[0]["event"], told[-1]["event"]] == ["begin", "summary"]
    assert (told[-1]["images"], told[-1]["registered"], told[-1]["out"]) == (3, 3, str(tmp_path / "out"))
    assert any(event["event"] == "stage" and event["label"] == "Writing images" for event in told)
    log = (tmp_path / "log").read_text()
    assert log.startswith("# dust3r-sfm log\n")
    assert "dust3r found poses for all images" in log


def test_quiet_is_what_it_is_elsewhere(process: Process) -> None:
    code, said = process(reporting=ReportingOptions(quiet=True))
    assert code == 0
    assert "CONGRATS" in said
    assert "Encoding" not in said
    assert "ns-train" not in said


def test_masks(process: Process, room: Room, tmp_path: Path) -> None:
    height, width = room.images[0].shape[:2]
    mask = np.full((height, width), 255, np.uint8)
    mask[:, : width // 2] = 0
    (tmp_path / "masks" / "hall").mkdir(parents=True)
    for index in range(COUNT):
        Image.fromarray(mask).save(tmp_path / "masks" / "hall" / f"{index}.png")
    code, said = process(masks=tmp_path / "masks")
    assert code == 0, said
    out = tmp_path / "out"
    for frame in transforms(out)["frames"]:
        found = np.asarray(Image.open(out / frame["mask_path"]))
        np.testing.assert_array_equal(found, mask)
        assert not np.load(out / frame["depth_file_path"])[found == 0].any()
    model = pycolmap.Reconstruction(out / "sparse" / "0")
    seen = [point.xy[0] for image in model.images.values() for point in image.points2D]
    assert min(seen) >= width // 2


def test_photos_that_stay_as_they_are(process: Process, data: Path, tmp_path: Path) -> None:
    code, said = process(skip_image_processing=True)
    assert code == 0, said
    out = tmp_path / "out"
    assert set(names(out)) == {"transforms.json", "sparse_pc.ply", "colmap", "sparse", "dust3r"}
    frames = transforms(out)["frames"]
    assert [(out / frame["file_path"]).resolve() for frame in frames] == sorted((data / "hall").iterdir())
    model = pycolmap.Reconstruction(out / "sparse" / "0")
    for frame in frames:
        camera = model.cameras[model.images[frame["colmap_im_id"]].camera_id]
        assert camera.params[:4].tolist() == [frame[key] for key in ("fl_x", "fl_y", "cx", "cy")]


def test_photos_where_nerfstudio_wants_them(process: Process, data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (data / "hall").rename(tmp_path / "out" / "images")
    photos = {path: path.read_bytes() for path in (tmp_path / "out" / "images").iterdir()}
    code, said = process(data=tmp_path / "out" / "images")
    assert code == 3
    assert "--skip-image-processing" in one_error(said)
    code, said = process(data=tmp_path / "out" / "images", skip_image_processing=True)
    assert code == 0, said
    assert transforms(tmp_path / "out")["frames"][0]["file_path"] == "images/0.png"
    assert {path: path.read_bytes() for path in (tmp_path / "out" / "images").iterdir()} == photos


def test_again_into_the_same_folder(process: Process, tmp_path: Path) -> None:
    process()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    code, said = process(num_downscales=1, depth=False, camera_type="perspective")
    assert code == 0, said
    assert set(names(tmp_path / "out")) == {
        *("transforms.json", "sparse_pc.ply", "colmap", "sparse", "names.json", "dust3r", "mine.txt"),
        *("images", "images_2"),
    }


def test_an_interrupted_run_goes_on(process: Process, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        process(stop_after=4)
    assert not (tmp_path / "out" / "transforms.json").exists()
    code, said = process(stop_after=COUNT * (COUNT - 1) - 4)
    assert code == 0, said
    assert (tmp_path / "out" / "transforms.json").exists()


def test_an_interrupted_run_of_other_options_is_not_mixed_in(process: Process) -> None:
    with pytest.raises(KilledError):
        process(stop_after=4)
    code, said = process(max_points=50)
    assert code == 3
    assert "--overwrite" in one_error(said)
    assert process(max_points=50, overwrite=True)[0] == 0


def test_a_known_focal(process: Process, room: Room, tmp_path: Path) -> None:
    focal = room.rig.cameras[0].fx
    code, said = process(focal_px=focal)
    assert code == 0, said
    assert transforms(tmp_path / "out")["fl_x"] == pytest.approx(focal, abs=1e-9)


def test_known_cameras(process: Process, room: Room, tmp_path: Path) -> None:
    camera = room.rig.cameras[0]
    size, inside = f"{camera.width} {camera.height}", f"{camera.cx} {camera.cy}"
    (tmp_path / "known.txt").write_text(f"1 PINHOLE {size} {camera.fx} {camera.fx * 1.02} {inside}\n")
    code, said = process(known_cameras=tmp_path / "known.txt")
    assert code == 0, said
    assert transforms(tmp_path / "out")["fl_y"] == pytest.approx(camera.fx * 1.02, abs=1e-9)


@pytest.mark.slow
def test_alignment_memory_and_points_are_those_of_reconstruct(process: Process, tmp_path: Path) -> None:
    code, said = process(alignment="gradient", max_points="all", max_memory=64.0)
    assert code == 0, said
    report = json.loads((tmp_path / "out" / "dust3r" / "report.json").read_text())
    assert "descent" in " ".join(stage["name"] for stage in report["scenes"][0]["stages"])
    model = pycolmap.Reconstruction(tmp_path / "out" / "sparse" / "0")
    assert model.num_points3D() == report["scenes"][0]["points"]


def test_a_known_focal_and_a_photo_that_cannot_be_read(
    process: Process, room: Room, data: Path, tmp_path: Path
) -> None:
    (data / "hall" / "9.png").write_bytes((data / "hall" / "0.png").read_bytes()[:500])
    focal = room.rig.cameras[0].fx
    code, said = process(focal_px=focal)
    assert code == 0, said
    assert "skipped hall/9.png" in said
    assert transforms(tmp_path / "out")["fl_x"] == pytest.approx(focal, abs=1e-9)


def one_error(said: str) -> str:
    """The one line, however the console wrapped it."""
    assert "Traceback" not in said
    assert said.count("Error: ") == 1
    return " ".join(said[said.index("Error: ") :].split())


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"data": "none"}, 2, "--data"),
        ({"eval_data": "none"}, 2, "--eval-data"),
        ({"masks": "none"}, 2, "--masks"),
        ({"num_downscales": 9}, 2, "--num-downscales 9"),
        ({"num_frames_target": 1}, 2, "--num-frames-target 1"),
        ({"pairs": "swin-x"}, 2, "swin-x"),
        ({"max_points": -1}, 2, "--max-points -1"),
        ({"max_memory": 0.1}, 2, "0.1 may be used"),
        ({"known_cameras": "none"}, 2, "--known-cameras"),
        ({"focal_px": -3.0}, 2, "--focal-px -3.0"),
        ({"output_dir": "data/out"}, 3, "lies in --data"),
        ({"output_dir": "data"}, 3, "lies in --data"),
        ({"output_dir": "file"}, 3, "file"),
    ],
)
def test_what_is_refused(
    process: Process, tmp_path: Path, options: dict[str, object], code: int, says: str
) -> None:
    (tmp_path / "file").write_text("mine")
    paths = ("data", "eval_data", "masks", "output_dir", "known_cameras")
    placed = {key: tmp_path / value if key in paths else value for key, value in options.items()}  # type: ignore[operator]
    found, said = process(**placed)
    assert found == code, said
    assert says in one_error(said)
    assert set(names(tmp_path)) == {"data", "file"}


def test_ctrl_c(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dust3r_sfm.pipeline.scenes.measure_pairs", interrupted)
    code, said = process()
    assert code == 130
    assert said.splitlines()[-1] == "Stopped; the same command continues."


def test_errors_end_the_process_with_their_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def wrong(*arguments: object) -> None:
        raise InputError("photos [bold] are wrong")

    monkeypatch.setattr("dust3r_sfm_nerfstudio.running.process", wrong)
    with pytest.raises(SystemExit) as end:
        ProcessDust3r(tmp_path, tmp_path / "out").main()
    assert end.value.code == 2


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ({"skip_image_processing": True}, "--skip-image-processing: --known-cameras"),
        ({"camera_type": "perspective"}, "--camera-type perspective: --known-cameras"),
    ],
)
def test_a_lens_that_no_dataset_can_tell_of_is_refused_at_once(
    process: Process, tmp_path: Path, option: dict[str, object], named: str
) -> None:
    (tmp_path / "known.txt").write_text("1 OPENCV_FISHEYE 64 48 40 40 32 24 0.1 0 0 0\n")
    code, said = process(known_cameras=tmp_path / "known.txt", **option)
    assert code == 2
    assert named in said
    assert "has a OPENCV_FISHEYE camera, whose photos are straightened" in said
    assert not (tmp_path / "out" / "transforms.json").exists()


def test_known_cameras_of_the_dataset_that_is_replaced(process: Process, data: Path, tmp_path: Path) -> None:
    assert process()[0] == 0
    before = transforms(tmp_path / "out")
    code, said = process(known_cameras=tmp_path / "out")
    assert code == 3
    assert "lies in --known-cameras" in " ".join(said.split())
    assert transforms(tmp_path / "out") == before


def test_a_second_run_is_told_who_works_there(process: Process, tmp_path: Path) -> None:
    lock = take_lock(tmp_path / "out" / "dust3r" / ".lock", tmp_path / "out")
    code, said = process()
    assert code == 3
    assert "another run works there (process " in " ".join(said.split())
    lock.release()
    assert not (tmp_path / "out").exists()
    assert process()[0] == 0
