"""A network with random weights from photos to files: what comes out is meaningless, but it comes out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest
import torch
from PIL import Image
from seeded_networks import TINY, TINY_WITH_FEATURES, noise_views, saved_network

from dust3r_sfm.cli import main
from dust3r_sfm.pipeline.regressors import best_device, best_regressor

Ask = Callable[..., tuple[int, str, str]]
CODES = {0: "images registered", 4: "error: no model: "}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for view in noise_views([(160, 120)] * 3):
        Image.fromarray(view.image).save(tmp_path / "photos" / view.name)
    return tmp_path / "photos"


@pytest.fixture
def ask(photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Ask:
    def reconstruct(*options: str | Path) -> tuple[int, str, str]:
        code = main(["reconstruct", str(photos), str(tmp_path / "out"), *map(str, options)])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return reconstruct


@pytest.fixture
def no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An offline machine with nothing in its cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


@pytest.mark.parametrize("network", [TINY, TINY_WITH_FEATURES], ids=["dust3r", "mast3r"])
@pytest.mark.parametrize("options", [[], ["--dtype", "bf16", "--device", "cpu", "--batch-size", "1"]])
def test_photos_to_a_model_or_one_line(network, options: list[str], ask: Ask, tmp_path: Path) -> None:
    path = saved_network(tmp_path / "mine.safetensors", network)
    code, out, err = ask("--regressor", path, *options)
    assert code in CODES, err
    assert CODES[code] in out + err
    assert "3 images, 3 pairs, regressor mine, 1.4 GiB of memory\n" in err
    assert {"Encoding: 3 images", "Predicting: 6 pairs"} <= set(err.splitlines())
    assert not (tmp_path / "out" / ".work").exists()
    if code == 0:
        model = pycolmap.Reconstruction(tmp_path / "out" / "sparse" / "0")
        assert model.num_images() >= 2
        assert all(np.isfinite(image.cam_from_world().matrix()).all() for image in model.images.values())
    else:
        assert not (tmp_path / "out").exists()


def cached(folder: Path, repo: str) -> None:
    """What the hub's cache looks like with both files of a repository in it."""
    root = folder / f"models--{repo.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text("0" * 40)
    (root / "snapshots" / ("0" * 40)).mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (root / "snapshots" / ("0" * 40) / name).write_text("{}")


def test_auto_takes_the_best_network_that_is_here_and_says_so(no_hub: Path) -> None:
    assert best_regressor().name == "stereo"
    assert "--regressor mast3r" in best_regressor().reason
    cached(no_hub, "naver/DUSt3R_ViTLarge_BaseDecoder_224_linear")
    assert best_regressor().name == "dust3r-224"
    cached(no_hub, "naver/DUSt3R_ViTLarge_BaseDecoder_512_dpt")
    assert best_regressor().name == "dust3r"
    assert "--regressor mast3r" in best_regressor().reason
    cached(no_hub, "naver/MASt3R_ViTLarge_BaseDecoder_512_catmlpdpt_metric")
    assert best_regressor().name == "mast3r"
    assert best_regressor().reason == "regressor mast3r: the best whose weights are on this machine"


def test_auto_says_on_the_command_line_what_it_chose(no_hub: Path, ask: Ask) -> None:
    _, _, err = ask()
    assert err.splitlines()[:2] == ["Reading photos: 3 photos", best_regressor().reason]
    assert "3 images, 3 pairs, regressor stereo" in err
    _, _, err = ask("--quiet")
    assert "regressor stereo" not in err


def test_stereo_stays_on_the_cpu_unless_told_otherwise() -> None:
    assert best_device("stereo") == "cpu"
    assert best_device("dust3r") == ("cuda" if torch.cuda.is_available() else best_device("other"))


def test_an_offline_machine_says_what_to_download_and_where_to_put_it(
    no_hub: Path, ask: Ask, tmp_path: Path
) -> None:
    code, out, err = ask("--regressor", "mast3r")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "hf download naver/MASt3R_ViTLarge_BaseDecoder_512_catmlpdpt_metric" in err
    assert str(no_hub) in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--regressor", "dust4r"], "dust4r: is no file or folder"),
        (["--regressor", "stereo", "--dtype", "bf16"], "--dtype bf16: is for networks"),
        (["--regressor", "stereo", "--batch-size", "4"], "--batch-size 4: is for networks"),
        (["--regressor", "stereo", "--compile"], "--compile: is for networks"),
        (["--regressor", "stereo", "--device", "mps"], "--device mps: is for networks"),
        (["--regressor", "dust3r", "--batch-size", "0"], "--batch-size 0: give 1 or more"),
        pytest.param(
            *(["--regressor", "dust3r", "--device", "cuda"], "--device cpu"),
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="cuda can be had here"),
        ),
    ],
)
def test_options_that_cannot_be(ask: Ask, options: list[str], says: str) -> None:
    code, out, err = ask(*options)
    assert (code, out) == (2, "")
    *before, last = err.splitlines()
    assert says in last
    assert before in ([], ["Loading the network: 1 step"])
