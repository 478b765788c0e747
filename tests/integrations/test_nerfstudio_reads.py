"""`ns-process-data dust3r` in a real nerfstudio 1.1.5, and nerfstudio's own parsers on what it wrote."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from environments import Environment
from PIL import Image

from dust3r_sfm.synthetic.example import write_example

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = pytest.mark.nerfstudio

# Runs in nerfstudio's environment: both parsers, without the moves they would make of the world.
PARSE = """
import json, sys
from pathlib import Path
import torch
from nerfstudio.data.dataparsers.colmap_dataparser import ColmapDataParserConfig
from nerfstudio.data.dataparsers.nerfstudio_dataparser import NerfstudioDataParserConfig
from nerfstudio.data.datasets.base_dataset import InputDataset
from nerfstudio.data.utils.data_utils import get_depth_image_from_path

data, masked = Path(sys.argv[1]), sys.argv[2] == "masked"
unmoved = dict(orientation_method="none", center_method="none", auto_scale_poses=False, eval_mode="all")
plain = dict(data=data, load_3D_points=True, **unmoved)
maps = dict(masks_path=Path("masks") if masked else None, depths_path=Path("depths"))
configs = {
    "transforms": NerfstudioDataParserConfig(**plain),
    "colmap": ColmapDataParserConfig(**plain, **maps),
}
found = {}
for kind, config in configs.items():
    outputs = config.setup().get_dataparser_outputs("train")
    cameras = outputs.cameras
    dataset = InputDataset(outputs)
    paths, unit = outputs.metadata["depth_filenames"], outputs.metadata["depth_unit_scale_factor"]
    sizes = zip(paths, cameras.height.flatten().tolist(), cameras.width.flatten().tolist())
    depths = [get_depth_image_from_path(path, h, w, unit) for path, h, w in sizes]
    examples = [dataset[i] for i in range(len(dataset))]
    found[kind] = {
        "names": [path.name for path in outputs.image_filenames],
        "poses": cameras.camera_to_worlds.tolist(),
        "focals": torch.cat([cameras.fx, cameras.fy], dim=-1).tolist(),
        "sizes": torch.cat([cameras.width, cameras.height], dim=-1).tolist(),
        "image_sizes": [list(example["image"].shape[1::-1]) for example in examples],
        "masks": [float(example["mask"].float().mean()) for example in examples if "mask" in example],
        "points": outputs.metadata["points3D_xyz"].tolist(),
        "colors": outputs.metadata["points3D_rgb"].tolist(),
        "depths": [float(depth[depth > 0].median()) for depth in depths],
    }
json.dump(found, open(sys.argv[3], "w"))
"""


@dataclass(frozen=True)
class Dataset:
    """A folder that ns-process-data wrote, and what it said."""

    folder: Path
    said: str


Process = Callable[..., Dataset]


@pytest.fixture(scope="module")
def process(nerfstudio: Environment, tmp_path_factory: pytest.TempPathFactory) -> Process:
    def call(data: Path, *options: str | Path) -> Dataset:
        folder = tmp_path_factory.mktemp("dataset") / "out"
        result = nerfstudio.run(
            "ns-process-data", "dust3r", "--data", data, "--output-dir", folder, *options, OMP_NUM_THREADS="1"
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return Dataset(folder, result.stdout)

    return call


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example(
        tmp_path_factory.mktemp("rendered") / "example", count=4, width=320, height=240
    ).images


@pytest.fixture(scope="module")
def from_photos(process: Process, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Rendered photos, of which the lowest quarter is masked out."""
    masks = tmp_path_factory.mktemp("masks")
    mask = np.full((240, 320), 255, np.uint8)
    mask[180:] = 0
    for photo in photos.iterdir():
        Image.fromarray(mask).save(masks / f"{photo.name}.png")
    return process(photos, "--masks", masks)


def parsed(nerfstudio: Environment, dataset: Dataset, masked: bool = False) -> dict:
    """What both parsers read, by "transforms" and "colmap"."""
    target = dataset.folder / "parsed.json"
    result = nerfstudio.run("-c", PARSE, dataset.folder, "masked" if masked else "whole", target)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(target.read_text())


def assert_agrees_with_model(found: dict, folder: Path, kind: str) -> None:
    """Images, cameras and poses of the parser are those of sparse/0, after the transform that transforms.json
    declares, or the one that nerfstudio's own parser of COLMAP models applies to all of them."""
    model = pycolmap.Reconstruction(folder / "sparse" / "0")
    declared = json.loads((folder / "transforms.json").read_text())["applied_transform"]
    of_colmap = [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0]]
    applied = np.vstack([declared if kind == "transforms" else of_colmap, [0, 0, 0, 1]])
    images = sorted(model.images.values(), key=lambda image: image.name)
    assert found["names"] == [image.name for image in images]
    for image, pose, focals, size in zip(
        images, found["poses"], found["focals"], found["sizes"], strict=True
    ):
        cam_from_world = np.vstack([image.cam_from_world().matrix(), [0, 0, 0, 1]])
        opengl = applied @ np.linalg.inv(cam_from_world) @ np.diag([1, -1, -1, 1])
        np.testing.assert_allclose(pose, opengl[:3], atol=1e-6)
        camera = model.cameras[image.camera_id]
        np.testing.assert_allclose(focals, camera.params[:2], rtol=1e-6)
        assert size == [camera.width, camera.height]
    assert found["image_sizes"] == found["sizes"]
    points = np.array([point.xyz for _, point in sorted(model.points3D.items())])
    turned = points @ applied[:3, :3].T + applied[:3, 3]
    assert len(found["points"]) == len(found["colors"]) == len(points) > 100
    np.testing.assert_allclose(in_order(found["points"]), in_order(turned), atol=2e-5)


def in_order(points: Iterable) -> np.ndarray:
    rows = np.round(np.array(points), 4)
    return np.array(points)[np.lexsort(rows.T)]


def test_help_lists_dust3r(nerfstudio: Environment) -> None:
    result = nerfstudio.run("ns-process-data", "--help")
    assert result.returncode == 0, result.stderr
    words = " ".join(result.stdout.replace("│", " ").split())
    assert "• dust3r Find the cameras of photos or of a video with dust3r_sfm" in words
    assert "• images " in words


def test_options_are_those_of_nerfstudios_converters(nerfstudio: Environment) -> None:
    code = """
from dataclasses import fields
from nerfstudio.process_data.base_converter_to_nerfstudio_dataset import BaseConverterToNerfstudioDataset
from nerfstudio.process_data.video_to_nerfstudio_dataset import VideoToNerfstudioDataset
from dust3r_sfm_nerfstudio.command import ProcessDust3r
ours = {field.name: field.default for field in fields(ProcessDust3r)}
names = {field.name for field in fields(BaseConverterToNerfstudioDataset)}
names |= {"num_downscales", "skip_image_processing", "num_frames_target"}
shared = {field.name: field.default for field in fields(VideoToNerfstudioDataset) if field.name in names}
assert len(shared) == 7, shared
assert {name: ours[name] for name in shared} == shared
"""
    result = nerfstudio.run("-c", code)
    assert result.returncode == 0, result.stderr


def test_rendered_photos(nerfstudio: Environment, from_photos: Dataset) -> None:
    assert "dust3r found poses for all images, CONGRATS!" in from_photos.said
    found = parsed(nerfstudio, from_photos, masked=True)
    for kind in ("transforms", "colmap"):
        assert_agrees_with_model(found[kind], from_photos.folder, kind)
        assert found[kind]["masks"] == pytest.approx([0.75] * 4, abs=0.01)
    # Our worlds have their median depth at about 1.
    assert found["transforms"]["depths"] == pytest.approx([1.0] * 4, abs=0.5)
    assert found["colmap"]["depths"] == pytest.approx(found["transforms"]["depths"], abs=1e-3)


def test_a_video(nerfstudio: Environment, process: Process, photos: Path, tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.mp4", sorted(photos.iterdir()), repeats=3)
    dataset = process(video, "--num-frames-target", "4", "--num-downscales", "1")
    assert "Starting with 4 images" in dataset.said
    found = parsed(nerfstudio, dataset)
    for kind in ("transforms", "colmap"):
        assert_agrees_with_model(found[kind], dataset.folder, kind)
    assert found["transforms"]["names"] == [f"frame_{number:05d}.png" for number in (1, 2, 3, 4)]


def write_video(path: Path, photos: list[Path], repeats: int) -> Path:
    av = pytest.importorskip("av", reason="videos need PyAV, the extra [video]")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height = Image.open(photos[0]).size
        stream.pix_fmt, stream.bit_rate = "yuv420p", 20_000_000
        for photo in photos:
            for _ in range(repeats):
                container.mux(stream.encode(av.VideoFrame.from_image(Image.open(photo))))
        container.mux(stream.encode())
    return path


def test_what_is_wrong_is_one_line_and_a_code(nerfstudio: Environment, tmp_path: Path) -> None:
    result = nerfstudio.run(
        "ns-process-data", "dust3r", "--data", tmp_path / "none", "--output-dir", tmp_path / "out"
    )
    assert result.returncode == 2
    assert "Error: --data" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    assert not (tmp_path / "out").exists()


# Test only. The wheel of torchvision cannot load its own operators beside a torch without CUDA, and the
# perceptual metric, which only evaluation uses, would download its weights.
TRAIN = """
import sys
import torch

library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import torchmetrics.image.lpip


class Silent(torch.nn.Module):
    def __init__(self, **options):
        super().__init__()


torchmetrics.image.lpip.LearnedPerceptualImagePatchSimilarity = Silent
from nerfstudio.scripts.train import entrypoint

sys.argv[0] = "ns-train"
entrypoint()
"""


@pytest.mark.slow
def test_nerfacto_takes_steps(nerfstudio: Environment, from_photos: Dataset, tmp_path: Path) -> None:
    options = {
        "--data": from_photos.folder,
        "--output-dir": tmp_path,
        "--timestamp": "now",
        "--machine.device-type": "cpu",
        "--machine.num-devices": "1",
        "--pipeline.model.implementation": "torch",
        "--pipeline.datamanager.train-num-rays-per-batch": "256",
        "--max-num-iterations": "3",
        "--vis": "tensorboard",
        "--steps-per-eval-image": "1000",
        "--steps-per-eval-batch": "1000",
        "--steps-per-save": "2",
    }
    flat = [str(part) for option in options.items() for part in option]
    result = nerfstudio.run("-c", TRAIN, "nerfacto", *flat, TORCHDYNAMO_DISABLE="1")
    if "No module named" in result.stderr:
        missing = result.stderr.splitlines()[-1]
        pytest.skip(f"{missing}: .ci/nerfstudio_env BASE FOLDER train adds what ns-train imports")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert list(tmp_path.glob("**/nerfstudio_models/step-*.ckpt"))


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets in ../shared/data are not on this machine")
def test_the_fountain(nerfstudio: Environment, process: Process) -> None:
    dataset = process(DATA / "strecha_fountain_p11" / "images")
    found = parsed(nerfstudio, dataset)
    for kind in ("transforms", "colmap"):
        assert len(found[kind]["names"]) == 11
        assert_agrees_with_model(found[kind], dataset.folder, kind)
    assert len(found["transforms"]["depths"]) == 11
