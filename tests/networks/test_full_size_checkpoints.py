"""The published networks at their full size: 2 to 3 GB of seeded weights each, in the published layouts."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from checkpoint_files import SETTINGS, State, call, seeded_state, write_hub_folder, write_pth

from dust3r_sfm.networks.checkpoints import load_network
from dust3r_sfm.networks.config import DUST3R_512_DPT, MAST3R_512, NetworkConfig

FULL = SETTINGS | {
    "enc_depth": 24,
    "dec_depth": 12,
    "enc_embed_dim": 1024,
    "dec_embed_dim": 768,
    "enc_num_heads": 16,
    "dec_num_heads": 12,
    "img_size": (512, 512),
    "head_type": "dpt",
}
MATCHING = FULL | {
    "head_type": "catmlp+dpt",
    "output_mode": "pts3d+desc24",
    "two_confs": True,
    "desc_conf_mode": ("exp", 0, float("inf")),
}
MEMORY_OF_LOADING = """
import re, sys
from pathlib import Path
from dust3r_sfm.networks import checkpoints
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
before = peak()
loaded = checkpoints.load_network(sys.argv[1])
print(loaded.fingerprint, peak() - before)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """pytest keeps what the last runs wrote, which is too much here."""
    yield tmp_path
    for file in tmp_path.rglob("*.*"):
        if file.is_file():
            file.unlink()


@pytest.mark.parametrize(
    ("name", "class_name", "settings", "config", "num_keys"),
    [
        ("DUSt3R_ViTLarge_BaseDecoder_512_dpt", "AsymmetricCroCo3DStereo", FULL, DUST3R_512_DPT, 1009),
        (
            "MASt3R_ViTLarge_BaseDecoder_512_catmlpdpt_metric",
            *("AsymmetricMASt3R", MATCHING, MAST3R_512, 1017),
        ),
    ],
)
def test_both_layouts(
    folder: Path,
    name: str,
    class_name: str,
    settings: dict[str, object],
    config: NetworkConfig,
    num_keys: int,
) -> None:
    state = seeded_state(config)
    assert len(state) == num_keys
    file = write_pth(folder / f"{name}.pth", state, call(settings, class_name))
    loaded = load_network(file)
    assert loaded.config == config
    for key, tensor in loaded.module.state_dict().items():
        assert torch.equal(tensor, state[key]), key
    with torch.inference_mode():
        first, second = loaded.module(torch.zeros(1, 3, 32, 48), torch.ones(1, 3, 32, 48))
    assert first.points.shape == second.points.shape == (1, 32, 48, 3)
    fingerprint, size = loaded.fingerprint, file.stat().st_size
    del loaded
    assert loading_in_another_process(file) == (fingerprint, pytest.approx(size, rel=0.25))
    file.unlink()
    hub = write_hub_folder(folder / name, without_second_names(state), settings)
    del state
    assert loading_in_another_process(hub) == (fingerprint, pytest.approx(size, rel=0.25))


def without_second_names(state: State) -> State:
    """As the hub's library saves: one name for each tensor."""
    return {name: tensor for name, tensor in state.items() if "scratch.layer_rn." not in name}


def loading_in_another_process(source: Path) -> tuple[str, int]:
    """Fingerprint, and bytes that loading added to the process: the weights once."""
    run = subprocess.run(
        [sys.executable, "-c", MEMORY_OF_LOADING, str(source)], capture_output=True, text=True, timeout=250
    )
    assert run.returncode == 0, run.stderr
    fingerprint, added = run.stdout.split()
    return fingerprint, int(added)
