"""One network in every layout: the same weights, the same config, the same fingerprint."""

import json
import logging
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
import torch
from checkpoint_files import SETTINGS, TINY, TINY_MAST3R, call, seeded_state, write_hub_folder, write_pth
from safetensors.torch import save_file

from dust3r_sfm.networks import Mast3r, network_from_config
from dust3r_sfm.networks.checkpoints import Description, load_network, loading, save_network
from dust3r_sfm.networks.checkpoints.own_format import (
    Config,
    description_from_metadata,
    metadata_from_description,
)
from dust3r_sfm.networks.checkpoints.published import config_from_call, config_from_json
from dust3r_sfm.networks.checkpoints.weight_files import read_safetensors
from dust3r_sfm.networks.config import (
    DUST3R_224_LINEAR,
    DUST3R_512_DPT,
    DUST3R_512_LINEAR,
    MAST3R_512,
    CrocoConfig,
    DPTHeadConfig,
    LocalFeatureConfig,
    NetworkConfig,
)

PARITY = Path(__file__).parents[2].parent / "shared" / "parity"
PUBLISHED = {
    "DUSt3R_ViTLarge_BaseDecoder_224_linear": DUST3R_224_LINEAR,
    "DUSt3R_ViTLarge_BaseDecoder_512_linear": DUST3R_512_LINEAR,
    "DUSt3R_ViTLarge_BaseDecoder_512_dpt": DUST3R_512_DPT,
    "MASt3R_ViTLarge_BaseDecoder_512_catmlpdpt_metric": MAST3R_512,
}


def assert_state(module: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    found = module.state_dict()
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        assert found[name].dtype == torch.float32
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0, msg=name)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_published_pth(tmp_path: Path, zipped: bool) -> None:
    state = seeded_state()
    loaded = load_network(str(write_pth(tmp_path / "mine.pth", state, zipped=zipped)))
    assert (loaded.config, loaded.name, loaded.licence, loaded.metric) == (TINY, "mine", None, False)
    assert not loaded.module.training
    assert_state(loaded.module, state)


def test_all_layouts_are_one_network(tmp_path: Path) -> None:
    state = seeded_state()
    loaded = load_network(write_pth(tmp_path / "a.pth", state))
    own = tmp_path / "new" / "b.safetensors"
    save_network(own, loaded.module, Description(loaded.config, "Apache-2.0"))
    hub = write_hub_folder(tmp_path / "hub", state)
    others = [load_network(own), load_network(hub), load_network(hub / "model.safetensors")]
    for other in others:
        assert_state(other.module, state)
        assert other.config == TINY
        assert other.fingerprint == loaded.fingerprint
        assert not other.module.training
    assert others[0].licence == "Apache-2.0"


def test_outputs_are_those_of_the_saved_network(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = network_from_config(TINY_MAST3R)
    save_network(tmp_path / "a.safetensors", network, Description(TINY_MAST3R, "Apache-2.0"))
    loaded = load_network(tmp_path / "a.safetensors")
    assert loaded.metric
    images = torch.rand(2, 1, 3, 48, 64) * 2 - 1
    with torch.no_grad():
        want, got = network(*images), loaded.module(*images)
    for view in (0, 1):
        torch.testing.assert_close(got[view].points, want[view].points, rtol=0, atol=0)
        torch.testing.assert_close(got[view].descriptors, want[view].descriptors, rtol=0, atol=0)


def test_every_weight_and_setting_is_in_the_fingerprint(tmp_path: Path) -> None:
    state = seeded_state()
    loaded = load_network(write_pth(tmp_path / "a.pth", state))
    state["dec_blocks2.1.mlp.fc2.weight"][3, 5] += 1e-7
    other_weight = load_network(write_pth(tmp_path / "b.pth", state))
    state["dec_blocks2.1.mlp.fc2.weight"][3, 5] -= 1e-7
    other_setting = load_network(write_pth(tmp_path / "c.pth", state, call(SETTINGS | {"img_size": 128})))
    assert len({loaded.fingerprint, other_weight.fingerprint, other_setting.fingerprint}) == 3


def test_half_precision_becomes_single(tmp_path: Path) -> None:
    state = {name: tensor.half() for name, tensor in seeded_state().items()}
    loaded = load_network(write_hub_folder(tmp_path, state))
    assert_state(loaded.module, {name: tensor.float() for name, tensor in state.items()})


def test_a_missing_second_decoder_is_filled_from_the_first(tmp_path: Path) -> None:
    state = seeded_state()
    one_decoder = {name: tensor for name, tensor in state.items() if not name.startswith("dec_blocks2.")}
    module = load_network(write_pth(tmp_path / "a.pth", one_decoder)).module
    first, second = module.dec_blocks[1].mlp.fc1.weight, module.dec_blocks2[1].mlp.fc1.weight
    torch.testing.assert_close(second, state["dec_blocks.1.mlp.fc1.weight"], rtol=0, atol=0)
    with torch.no_grad():
        second += 1
    torch.testing.assert_close(first, state["dec_blocks.1.mlp.fc1.weight"], rtol=0, atol=0)


@pytest.mark.parametrize("kept", ["layer_rn.", "_rn.weight", "rn"])
def test_shared_tensors_under_either_name_or_both(tmp_path: Path, kept: str) -> None:
    state = seeded_state(TINY_MAST3R)
    stored = {
        name: tensor.clone() for name, tensor in state.items() if "scratch.layer" not in name or kept in name
    }
    assert (len(state) - len(stored)) == (0 if kept == "rn" else 8)
    file = tmp_path / "a.safetensors"
    metadata = metadata_from_description(Description(TINY_MAST3R, "Apache-2.0"))
    save_file(stored, file, metadata)
    loaded = load_network(file)
    assert isinstance(loaded.module, Mast3r)
    assert_state(loaded.module, state)


def test_what_is_done_to_a_network_is_not_done_to_its_file(tmp_path: Path) -> None:
    state = seeded_state()
    for source in (write_pth(tmp_path / "a.pth", state), write_hub_folder(tmp_path / "hub", state)):
        module = load_network(source).module
        with torch.no_grad():
            for parameter in module.parameters():
                parameter += 1
        assert_state(load_network(source).module, state)


def test_metric_and_licence_are_known_by_the_published_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loading._state_licence.cache_clear()
    name = "MASt3R_ViTLarge_BaseDecoder_512_catmlpdpt_metric"
    state = seeded_state()
    sources = (write_pth(tmp_path / f"{name}.pth", state), write_hub_folder(tmp_path / name, state))
    with caplog.at_level(logging.INFO):
        for loaded in map(load_network, sources):
            assert (loaded.name, loaded.metric) == ("mast3r", True)
            assert loaded.licence == "CC BY-NC-SA 4.0 (non-commercial)"
        assert caplog.messages == ["the weights of mast3r are under CC BY-NC-SA 4.0 (non-commercial)"]
    assert not load_network(write_pth(tmp_path / "DUSt3R_ViTLarge_BaseDecoder_512_dpt.pth", state)).metric


def test_our_own_files_say_themselves_what_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "MASt3R_ViTLarge_BaseDecoder_512_catmlpdpt_metric"
    file = folder / "finer.safetensors"
    save_network(file, network_from_config(TINY), Description(TINY, "CC0"))
    loaded = load_network(file)
    assert (loaded.name, loaded.metric, loaded.licence) == ("finer", False, "CC0")


def test_saving_replaces_whole_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.safetensors"
    network = network_from_config(TINY)
    save_network(file, network, Description(TINY, "Apache-2.0"))
    before = file.read_bytes()

    def cut_short(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("dust3r_sfm.networks.checkpoints.saving.save_file", cut_short)
    with pytest.raises(KeyboardInterrupt):
        save_network(file, network, Description(TINY, "Apache-2.0"))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        DUST3R_512_DPT,
        replace(MAST3R_512, confidence_max=9.5, norm_eps=1e-5),
        CrocoConfig(decoder="cat", mask_ratio=0.75),
    ],
)
def test_configs_in_metadata(config: Config) -> None:
    metadata = metadata_from_description(Description(config, "CC0"))
    assert description_from_metadata(metadata) == Description(config, "CC0")

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is not JSON")

    json.loads(metadata["dust3r_sfm"], parse_constant=refuse)


def test_metadata_of_an_older_version_take_the_defaults() -> None:
    metadata = metadata_from_description(Description(DUST3R_512_DPT, "CC0"))
    stored = json.loads(metadata["dust3r_sfm"])
    del stored["config"]["norm_eps"]
    found = description_from_metadata({"dust3r_sfm": json.dumps(stored)})
    assert found == Description(DUST3R_512_DPT, "CC0")


@pytest.mark.realdata
@pytest.mark.skipif(not PARITY.exists(), reason="shared/parity is not here")
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_constructors_and_state(name: str) -> None:
    contract = json.loads((PARITY / f"contract_{name}.json").read_text())
    metric = "metric" in name
    for key in ("constructor_official", "constructor_at_inference"):
        config = config_from_call(contract[key], metric)
        assert config == PUBLISHED[name]
    with torch.device("meta"):
        state = network_from_config(config).state_dict()
    found = [
        [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")] for key, tensor in state.items()
    ]
    assert sorted(found) == sorted(contract["state_dict"])


def test_a_hub_config_with_infinities_and_defaults() -> None:
    text = """{"conf_mode": ["exp", 1, Infinity], "depth_mode": ["exp", -Infinity, Infinity],
    "desc_mode": "norm",
    "dec_depth": 12, "dec_embed_dim": 768, "dec_num_heads": 12, "desc_conf_mode": ["exp", 0, Infinity],
    "enc_depth": 24, "enc_embed_dim": 1024, "enc_num_heads": 16, "freeze": "none", "mask_ratio": 0.9,
    "head_type": "catmlp+dpt", "img_size": [512, 512], "landscape_only": false, "mlp_ratio": 4.0,
    "norm_im2_in_dec": true, "output_mode": "pts3d+desc24", "patch_embed_cls": "PatchEmbedDust3R",
    "patch_size": 16, "pos_embed": "RoPE100", "two_confs": true}"""
    assert config_from_json(text, metric=True) == MAST3R_512


def test_settings_reach_the_config() -> None:
    settings = SETTINGS | {
        "pos_embed": "RoPE50",
        "conf_mode": ("exp", 0.5, 20),
        "head_type": "catmlp+dpt",
        "output_mode": "pts3d+desc16",
    }
    config = config_from_call(call(settings, "AsymmetricMASt3R"), metric=False)
    features = LocalFeatureConfig(dim=16, two_confidences=False, confidence_min=0.5, confidence_max=20.0)
    expected: NetworkConfig = replace(
        TINY,
        rope_base=50.0,
        confidence_min=0.5,
        confidence_max=20.0,
        head=DPTHeadConfig(),
        local_features=features,
    )
    assert config == expected
    assert config_from_call(call().replace("inf)", "inf,)"), metric=False).confidence_max == inf


def test_a_saved_file_says_what_it_is(tmp_path: Path) -> None:
    save_network(tmp_path / "a.safetensors", network_from_config(TINY), Description(TINY, "CC0"))
    metadata, _ = read_safetensors(tmp_path / "a.safetensors")
    assert description_from_metadata(metadata) == Description(TINY, "CC0")
