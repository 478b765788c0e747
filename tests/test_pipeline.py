import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from known_room import KilledError, LookupRegressor, Room, make_room

from dust3r_sfm import pipeline
from dust3r_sfm.alignment import AlignmentConfig, Presets
from dust3r_sfm.alignment.gradient import GradientConfig
from dust3r_sfm.errors import InputError, OutputError, ReconstructionError
from dust3r_sfm.evidence import EvidenceConfig
from dust3r_sfm.inference import InferenceConfig
from dust3r_sfm.io.scene_file import load_scene
from dust3r_sfm.pipeline import Existing, Plan, ReconstructConfig, reconstruct, reconstruct_all
from dust3r_sfm.pipeline.plan import Cost, plan_run, rough_time
from dust3r_sfm.view_graph import Complete, PairsFile, view_graph

NAMES = {"sparse", "points.ply", "scene.glb", "depth", "scene.npz", "report.json", "report.html"}
COUNT = 3
PAIRS = COUNT * (COUNT - 1)
QUICK = ReconstructConfig(
    inference=InferenceConfig(EvidenceConfig(samples=128)),
    alignment=AlignmentConfig(bundle=None),
)
Use = Callable[..., LookupRegressor]


@pytest.fixture(scope="session")
def room() -> Room:
    return make_room("hall", 1, COUNT)


@pytest.fixture(scope="session")
def other_room() -> Room:
    return make_room("attic", 2, 3)


@pytest.fixture
def photos(room: Room, tmp_path: Path) -> Path:
    room.write(tmp_path / "photos")
    return tmp_path / "photos"


@pytest.fixture
def use(room: Room, other_room: Room, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Makes the pipeline use a new lookup regressor, and gives it."""

    def install(stop_after: int | None = None) -> LookupRegressor:
        regressor = LookupRegressor((room, other_room), stop_after)
        monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: regressor)
        return regressor

    install()
    return install


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def sparse_bytes(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((output / "sparse" / "0").iterdir())}


def test_everything_is_written_and_reads_back(photos: Path, tmp_path: Path, use: Use) -> None:
    out = tmp_path / "deep" / "out"
    plans: list[Plan] = []
    result = reconstruct_all(photos, output=out, on_plan=plans.append)
    assert listing(out) == NAMES
    model = pycolmap.Reconstruction(out / "sparse" / "0")
    names = {image.name for image in model.images.values()}
    assert names == {f"hall/{index}.png" for index in range(COUNT)}
    assert model.num_points3D() > 50
    stored = load_scene(out / "scene.npz")
    np.testing.assert_array_equal(stored.cam_from_world, result.scenes[0].cam_from_world)
    assert (out / "depth" / "hall" / "0.png.depth.png").exists()
    report = json.loads((out / "report.json").read_text())
    assert report["totals"]["images_posed"] == COUNT
    assert {"Encoding", "Predicting"} <= set(report["run"]["stage_seconds"])
    assert (plans[0].num_images, plans[0].num_pairs, plans[0].regressor) == (COUNT, 3, "lookup")


def test_poses_are_the_true_ones(photos: Path, room: Room, use: Use) -> None:
    scene = reconstruct(photos)
    found = scene.cam_from_world[:, :3, :3] @ scene.cam_from_world[0, :3, :3].T
    true = room.rig.cam_from_world[:, :3, :3] @ room.rig.cam_from_world[0, :3, :3].T
    np.testing.assert_allclose(found, true, atol=2e-3)
    assert scene.cameras[0].fx == pytest.approx(room.rig.cameras[0].fx, rel=5e-3)


def test_same_input_same_bytes(photos: Path, tmp_path: Path, use: Use) -> None:
    for name in ("a", "b"):
        reconstruct_all(photos, QUICK, tmp_path / name)
    assert sparse_bytes(tmp_path / "a") == sparse_bytes(tmp_path / "b")


def test_two_rooms_are_two_scenes(photos: Path, other_room: Room, tmp_path: Path, use: Use) -> None:
    other_room.write(photos)
    (photos / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    result = reconstruct_all(photos, QUICK, tmp_path / "out")
    assert [len(scene.views) for scene in result.scenes] == [3, 3]
    assert set(result.dropped) == {"torn.jpg"}
    assert listing(tmp_path / "out" / "sparse") == {"0", "1"}
    assert listing(tmp_path / "out" / "components" / "1") == {"points.ply", "scene.glb", "depth", "scene.npz"}
    for number, room in enumerate(("attic", "hall")):
        model = pycolmap.Reconstruction(tmp_path / "out" / "sparse" / str(number))
        assert {image.name for image in model.images.values()} == {f"{room}/{k}.png" for k in range(3)}
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["totals"] | {"images": 7, "images_posed": 6, "scenes": 2} == report["totals"]


def test_an_interrupted_run_is_resumed(photos: Path, tmp_path: Path, use: Use) -> None:
    reconstruct_all(photos, QUICK, tmp_path / "undisturbed")
    use(stop_after=4)
    with pytest.raises(KilledError):
        reconstruct_all(photos, QUICK, tmp_path / "out")
    assert listing(tmp_path / "out") == {".work"}
    with pytest.raises(OutputError, match="unfinished run; continue it with --resume"):
        reconstruct_all(photos, QUICK, tmp_path / "out")
    second = use()
    reconstruct_all(photos, QUICK, tmp_path / "out", existing=Existing.RESUME)
    assert len(second.predicted) == PAIRS - 4
    assert listing(tmp_path / "out") == NAMES
    assert sparse_bytes(tmp_path / "out") == sparse_bytes(tmp_path / "undisturbed")


@pytest.mark.parametrize("stage", ["export_glb", "write_report"])
def test_a_run_that_dies_while_exporting_is_resumed(
    photos: Path, tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def die(*arguments: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(f"dust3r_sfm.pipeline.results.{stage}", die)
        with pytest.raises(KilledError):
            reconstruct_all(photos, QUICK, tmp_path / "out")
    assert listing(tmp_path / "out") == {".work"}
    again = use()
    reconstruct_all(photos, QUICK, tmp_path / "out", existing=Existing.RESUME)
    assert again.predicted == []
    assert listing(tmp_path / "out") == NAMES


@pytest.mark.parametrize("moved", [0, 3])
def test_a_run_that_dies_while_publishing_is_resumed(
    photos: Path, tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    out = tmp_path / "out"
    reconstruct_all(photos, QUICK, out)
    real_rename = Path.rename
    renames: list[Path] = []

    def rename(path: Path, target: Path) -> Path:
        if ".work" in (path.parts + target.parts) and "run.json" not in target.name:
            if len(renames) == moved:
                raise KilledError
            renames.append(target)
        return real_rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(KilledError):
            reconstruct_all(photos, QUICK, out, existing=Existing.OVERWRITE)
    reconstruct_all(photos, QUICK, out, existing=Existing.RESUME)
    assert listing(out) == NAMES


def test_resume_refuses_other_photos_and_options(photos: Path, tmp_path: Path, use: Use) -> None:
    use(stop_after=3)
    out = tmp_path / "out"
    with pytest.raises(KilledError):
        reconstruct_all(photos, QUICK, out)
    with pytest.raises(OutputError, match=r"made from other options \(changed: seed\)"):
        reconstruct_all(photos, replace(QUICK, seed=5), out, existing=Existing.RESUME)
    (photos / "hall" / "2.png").rename(photos / "hall" / "new.png")
    with pytest.raises(OutputError, match=r"other photos \(added: hall/new.png; missing: hall/2.png\)"):
        reconstruct_all(photos, QUICK, out, existing=Existing.RESUME)
    assert listing(out) == {".work"}


def test_resume_notices_a_changed_pairs_file(photos: Path, tmp_path: Path, use: Use) -> None:
    use(stop_after=1)
    pairs = tmp_path / "pairs.txt"
    config = replace(QUICK, graph=PairsFile(pairs))
    pairs.write_text("hall/0.png hall/1.png\nhall/1.png hall/2.png\n")
    with pytest.raises(KilledError):
        reconstruct_all(photos, config, tmp_path / "out")
    pairs.write_text("hall/0.png hall/1.png\nhall/0.png hall/2.png\n")
    with pytest.raises(OutputError, match=r"other options \(changed: pairs\)"):
        reconstruct_all(photos, config, tmp_path / "out", existing=Existing.RESUME)


def test_resume_without_anything_there_starts(photos: Path, tmp_path: Path, use: Use) -> None:
    reconstruct_all(photos, QUICK, tmp_path / "out", existing=Existing.RESUME)
    with pytest.raises(OutputError, match="holds no unfinished run to resume"):
        reconstruct_all(photos, QUICK, tmp_path / "out", existing=Existing.RESUME)


def test_existing_results_survive_until_the_new_ones_are_there(
    photos: Path, tmp_path: Path, use: Use
) -> None:
    out = tmp_path / "out"
    reconstruct_all(photos, QUICK, out)
    (out / "notes.txt").write_text("mine")
    before = (out / "report.json").read_bytes()
    with pytest.raises(OutputError, match=r"is not empty.*--overwrite"):
        reconstruct_all(photos, QUICK, out)
    use(stop_after=3)
    with pytest.raises(KilledError):
        reconstruct_all(photos, QUICK, out, existing=Existing.OVERWRITE)
    assert (out / "report.json").read_bytes() == before
    use()
    reconstruct_all(photos, replace(QUICK, graph=Complete()), out, existing=Existing.OVERWRITE)
    assert (out / "report.json").read_bytes() != before
    assert listing(out) == NAMES | {"notes.txt"}, "what is not ours stays"


def test_work_is_kept_on_request(photos: Path, tmp_path: Path, use: Use) -> None:
    reconstruct_all(photos, QUICK, tmp_path / "out", keep_work=True)
    assert listing(tmp_path / "out") == NAMES | {".work"}
    assert len(listing(tmp_path / "out" / ".work" / "pairs")) == PAIRS


def test_no_model_leaves_nothing_behind(tmp_path: Path, use: Use) -> None:
    stranger = make_room("cellar", 9, 3)
    stranger.write(tmp_path / "photos")
    with pytest.raises(ReconstructionError, match="no model"):
        reconstruct_all(tmp_path / "photos", QUICK, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bad_input_leaves_nothing_behind(tmp_path: Path, use: Use) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError):
        reconstruct_all(tmp_path / "photos", QUICK, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("photos/out", "lies in the photo folder"),
        ("photos", "lies in the photo folder"),
        ("a_file", "is a file"),
        ("a_file/out", "cannot be made.*is a file"),
    ],
)
def test_unusable_outputs(photos: Path, tmp_path: Path, use: Use, output: str, message: str) -> None:
    (tmp_path / "a_file").write_text("")
    with pytest.raises(OutputError, match=message):
        reconstruct_all(photos, QUICK, tmp_path / output)
    assert listing(tmp_path) == {"photos", "a_file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_without_permission(photos: Path, tmp_path: Path, use: Use) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(OutputError, match="no permission"):
        reconstruct_all(photos, QUICK, tmp_path / "locked" / "out")


def test_a_full_disk_is_an_output_error_and_can_be_resumed(
    photos: Path, tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device", "points.ply")

    with monkeypatch.context() as patch:
        patch.setattr("dust3r_sfm.pipeline.results.export_point_cloud", full)
        with pytest.raises(
            OutputError, match=r"points.ply: No space left on device .*are needed.*; free space"
        ):
            reconstruct_all(photos, QUICK, tmp_path / "out")
    assert listing(tmp_path / "out") == {".work"}
    reconstruct_all(photos, QUICK, tmp_path / "out", existing=Existing.RESUME)
    assert listing(tmp_path / "out") == NAMES


@pytest.mark.parametrize(
    ("time_s", "text"), [(3.0, "10 s"), (44.0, "40 s"), (100.0, "2 min"), (3e3, "50 min"), (7200.0, "2.0 h")]
)
def test_rough_times(time_s: float, text: str) -> None:
    assert rough_time(time_s) == text


def test_a_plan_counts_and_pays_for_unordered_pairs() -> None:
    graph = view_graph(["a", "b", "c", "d"], Complete())
    plan = plan_run(graph, "stereo", Cost(image_s=2.0, pair_s=12.0), {})
    assert plan.expected_s == 4 * 2.0 + 6 * 12.0
    assert str(plan) == "4 images, 6 pairs, regressor stereo, about 80 s"
    assert str(plan_run(graph, "stereo", None, {})) == "4 images, 6 pairs, regressor stereo"
    longer = plan_run(graph, "stereo", Cost(2.0, 12.0), {}, most_more_s=240.0)
    assert str(longer).endswith("about 80 s (up to 4 min more if photos stay apart)")


def test_public_names() -> None:
    assert all(hasattr(pipeline, name) for name in pipeline.__all__)


def test_the_published_alignment(photos: Path, room: Room, tmp_path: Path) -> None:
    """Without tracks, as it has none; the files are the same."""
    config = replace(QUICK, gradient=GradientConfig(iterations=5))
    scene = reconstruct(photos, config, tmp_path / "out")
    assert len(scene.views) == COUNT
    assert "descended" in scene.report.bundle_adjustment
    assert listing(tmp_path / "out") >= NAMES


def test_a_run_that_does_not_fit_is_refused_before_any_pair(photos: Path, use: Use) -> None:
    regressor = use()
    with pytest.raises(InputError, match=r"GiB of memory, and 0\.1 may be used"):
        reconstruct(photos, replace(QUICK, max_memory_gib=0.1))
    assert not regressor.predicted


def test_what_is_known_of_photos_that_are_not_there_is_said_before_any_pair(photos: Path, use: Use) -> None:
    regressor = use()
    presets = Presets(focal_px={"nowhere.jpg": 50.0})
    with pytest.raises(InputError, match=r"such as nowhere\.jpg"):
        reconstruct(photos, replace(QUICK, alignment=AlignmentConfig(presets=presets)))
    assert not regressor.predicted


@dataclass
class TwoSpeeds(LookupRegressor):
    """Its quick way knows other rooms than it does itself."""

    quick: LookupRegressor | None = None
    placed: tuple[int, ...] = ()
    most_more_s: float = 30.0

    def more_closely(self, placed: tuple[int, ...]) -> LookupRegressor:
        self.placed = placed
        return self


@pytest.mark.parametrize("quick_suffices", [True, False])
def test_pairs_are_matched_more_closely_only_where_the_quick_way_leaves_photos_apart(
    quick_suffices: bool, photos: Path, room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quick = LookupRegressor((room,) if quick_suffices else ())
    full = TwoSpeeds((room,), quick=quick)
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: full)
    found = reconstruct_all(photos, QUICK, tmp_path / "out")
    assert [len(scene.views) for scene in found.scenes] == [COUNT]
    assert len(quick.predicted) == PAIRS
    assert len(full.predicted) == (0 if quick_suffices else PAIRS)
    assert len(set(full.placed)) == (0 if quick_suffices else COUNT)
