"""What is wrong with a checkpoint is said in one line, and nothing that is in it is ever run."""

import json
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from checkpoint_files import (
    SETTINGS,
    TINY,
    TINY_MAST3R,
    State,
    call,
    seeded_state,
    write_hub_folder,
    write_pth,
)
from safetensors.torch import save_file

from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.networks import network_from_config
from dust3r_sfm.networks.checkpoints import Description, load_network, save_network
from dust3r_sfm.networks.checkpoints.own_format import metadata_from_description
from dust3r_sfm.networks.config import CrocoConfig

HEAD = "downstream_head1.proj.weight"


def refused(source: Path | str) -> str:
    """What is said about `source`: its name first, and one sentence or a few."""
    with pytest.raises(InputError) as caught:
        load_network(source)
    said = str(caught.value)
    assert said.startswith(str(source))
    assert "\n" not in said
    assert len(said) < 600
    return said


class RunsACommand:
    """Pickled, it is a call of os.system."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.victim}'",)


class Evaluates(RunsACommand):
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return eval, (f"open({str(self.victim)!r}, 'w')",)


@pytest.mark.parametrize("harmful", [RunsACommand, Evaluates])
@pytest.mark.parametrize("where", ["zip", "legacy", "args", "optimizer", "bare pickle"])
def test_code_in_a_pickle_is_refused_and_not_run(
    tmp_path: Path, harmful: type[RunsACommand], where: str
) -> None:
    victim, file = tmp_path / "was_run", tmp_path / "a.pth"
    trap = harmful(victim)
    if where == "bare pickle":
        file.write_bytes(pickle.dumps(trap, protocol=2))
    elif where == "args":
        torch.save({"model": seeded_state(), "args": trap}, file)
    elif where == "optimizer":
        content = torch.load(write_pth(file, seeded_state()), weights_only=False)
        torch.save(content | {"optimizer": trap}, file)
    else:
        torch.save(trap, file, _use_new_zipfile_serialization=where == "zip")
    said = refused(file)
    assert re.search(r"holds `(posix\.system|nt\.system|eval)`\. .* refused and nothing was run", said), said
    assert not victim.exists()
    # The trap is a real one.
    pickle.loads(pickle.dumps(trap))
    assert victim.exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol 4")
def test_newer_pickles_are_refused_too(tmp_path: Path) -> None:
    file, victim = tmp_path / "a.pth", tmp_path / "was_run"
    file.write_bytes(pickle.dumps(RunsACommand(victim), protocol=4))
    assert "refused and nothing was run" in refused(file)
    assert not victim.exists()


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch VICTIM')",
        "AsymmetricCroCo3DStereo(enc_depth=__import__('os').system('touch VICTIM'))",
        "AsymmetricCroCo3DStereo(enc_depth=[open('VICTIM', 'w') for _ in (1,)])",
        "AsymmetricCroCo3DStereo(**{'enc_depth': open('VICTIM', 'w')})",
        "(lambda: open('VICTIM', 'w'))()",
        'AsymmetricCroCo3DStereo(img_size=f\'{open("VICTIM", "w")}\')',
    ],
)
def test_code_in_the_constructor_is_refused_and_not_run(tmp_path: Path, text: str) -> None:
    victim = tmp_path / "was_run"
    refused(write_pth(tmp_path / "a.pth", seeded_state(), text.replace("VICTIM", str(victim))))
    assert not victim.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be parsed"),
        ("AsymmetricCroCo3DStereo(", "cannot be parsed"),
        ("AsymmetricCroCo3DStereo(\0)", "cannot be parsed"),
        (f"AsymmetricCroCo3DStereo(a={'(' * 2000})", "cannot be parsed"),
        (f"AsymmetricCroCo3DStereo(a={'-' * 4900}1)", "a="),
        ("AsymmetricCroCo3DStereo(a='" + "x" * 9000 + "')", "characters"),
        ("AsymmetricCroCo3DStereo", "keywords only"),
        ("AsymmetricCroCo3DStereo(24)", "keywords only"),
        ("os.system(a=1)", "keywords only"),
        (call(name="VGGT"), "builds a VGGT"),
        (call(SETTINGS | {"use_offsets": True, "cow": 1}), "unknown settings: cow, use_offsets"),
        (call({k: v for k, v in SETTINGS.items() if k != "dec_depth"}), "lacks the settings dec_depth"),
        (call(SETTINGS | {"depth_mode": ("linear", 0, 1)}), "depth_mode=('linear', 0, 1)"),
        (call(SETTINGS | {"conf_mode": ("sigmoid", 0, 1)}), "conf_mode=('sigmoid', 0, 1)"),
        (call(SETTINGS | {"pos_embed": "cosine"}), "pos_embed='cosine'"),
        (call(SETTINGS | {"patch_embed_cls": "Dune"}), "patch_embed_cls='Dune'"),
        (call(SETTINGS | {"head_type": "gs"}), "head_type='gs'"),
        (call(SETTINGS | {"output_mode": "pts3d+desc24"}), "output_mode='pts3d+desc24'"),
        (call(SETTINGS | {"img_size": "512"}), "img_size='512'"),
        (call(SETTINGS | {"enc_depth": "24"}), "enc_depth='24'"),
        (call(SETTINGS | {"enc_depth": -1}), "enc_depth is -1"),
        (call(SETTINGS | {"enc_embed_dim": 30}), "enc_embed_dim is 30"),
        (call(SETTINGS | {"enc_depth": 10**9}), "enc_depth is 1000000000"),
        (call(SETTINGS | {"enc_depth": 2**16}), "tensors for a network of 65539 blocks"),
        (call(SETTINGS | {"enc_embed_dim": 2**62}), "up to 65536"),
        (call(SETTINGS | {"dec_embed_dim": 2**70}), "up to 65536"),
    ],
)
def test_constructors_that_describe_nothing_known(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(write_pth(tmp_path / "a.pth", seeded_state(), text))


def without(name: str) -> Callable[[State], object]:
    return lambda state: state.pop(name)


def reshaped(state: State) -> None:
    state[HEAD] = state[HEAD][:, :-1].contiguous()


def added(state: State) -> None:
    state["prediction_head.weight"] = torch.zeros(3, 4)


def of_integers(state: State) -> None:
    state[HEAD] = state[HEAD].to(torch.int64)


def without_numbers(state: State) -> None:
    state[HEAD] = state[HEAD].to("meta")


def sparse(state: State) -> None:
    state[HEAD] = state[HEAD].to_sparse()


def without_all_of_the_second(state: State) -> None:
    for name in [name for name in state if name.startswith("dec_blocks2.1.")]:
        del state[name]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (without(HEAD), f"{HEAD} 1024x24 is missing"),
        (reshaped, f"{HEAD} is 1024x23 in the file, but 1024x24 in the network it describes"),
        (added, "prediction_head.weight 3x4 has no place in the network it describes"),
        (of_integers, f"{HEAD} holds torch.int64"),
        (without_all_of_the_second, r"dec_blocks2.1.norm1.weight 24 is missing; .* (and MANY more)"),
    ],
)
def test_tensors_that_do_not_fit(tmp_path: Path, damage: Callable[[State], object], says: str) -> None:
    state = seeded_state()
    damage(state)
    folder = write_hub_folder(tmp_path / "hub", state)
    pattern = re.escape(says).replace(re.escape(".*"), ".*").replace("MANY", r"\d\d")
    assert re.search(pattern, refused(write_pth(tmp_path / "a.pth", state)))
    with pytest.raises(InputError, match=pattern):
        load_network(folder)


@pytest.mark.parametrize("damage", [without_numbers, sparse])
def test_tensors_that_are_no_arrays(tmp_path: Path, damage: Callable[[State], object]) -> None:
    state = seeded_state()
    damage(state)
    assert f"{HEAD} holds" in refused(write_pth(tmp_path / "a.pth", state))


def test_one_tensor_with_two_values(tmp_path: Path) -> None:
    state = {name: tensor.clone() for name, tensor in seeded_state(TINY_MAST3R).items()}
    state["downstream_head2.dpt.scratch.layer_rn.2.weight"] += 1
    file = tmp_path / "a.safetensors"
    save_file(state, file, metadata_from_description(Description(TINY_MAST3R, "CC0")))
    assert "layer3_rn.weight and downstream_head2.dpt.scratch.layer_rn.2.weight are one" in refused(file)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kept", [0.0, 0.0005, 0.01, 0.5, 0.99])
def test_a_truncated_pth(tmp_path: Path, zipped: bool, kept: float) -> None:
    file = write_pth(tmp_path / "a.pth", seeded_state(), zipped=zipped)
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content))])
    assert ("is empty" if kept == 0 else "is cut short") in refused(file)


@pytest.mark.parametrize("kept", [0.0, 0.0005, 0.01, 0.5, 0.99])
def test_a_truncated_safetensors(tmp_path: Path, kept: float) -> None:
    file = tmp_path / "a.safetensors"
    save_network(file, network_from_config(TINY), Description(TINY, "CC0"))
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content))])
    assert ("is empty" if kept == 0 else "is cut short") in refused(file)


@pytest.mark.parametrize(
    "content",
    [b"<!DOCTYPE html><html>404: Not found</html>", b"version https://git-lfs.github.com/spec/v1\n", b"x"],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".bin"])
def test_other_files(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"a{suffix}"
    file.write_bytes(content)
    assert re.search(r"is not a (checkpoint|safetensors file)", refused(file))


def test_pth_files_of_something_else(tmp_path: Path) -> None:
    file = tmp_path / "a.pth"
    torch.save(seeded_state(), file)
    assert "has no args.model" in refused(file)
    torch.save([1, 2], file)
    assert "has no `model` and `args`" in refused(file)
    content = torch.load(write_pth(file, seeded_state()), weights_only=False)
    torch.save(content | {"model": {"a": "text"}}, file)
    assert "no tensors under `model`" in refused(file)


def test_random_damage_ends_in_one_line(tmp_path: Path) -> None:
    """Bytes of a legacy pickle, changed one at a time: whatever is loaded or said, it is no traceback."""
    file = write_pth(tmp_path / "a.pth", seeded_state(), zipped=False)
    content = file.read_bytes()
    generator = torch.Generator().manual_seed(5)
    refusals = 0
    for position, value in torch.randint(0, 256, (25, 2), generator=generator).tolist():
        # Most of the file is weights; what makes the unpickler stumble is at its beginning.
        position = position * 23
        file.write_bytes(content[:position] + bytes([value]) + content[position + 1 :])
        try:
            load_network(file)
        except InputError:
            refusals += 1
    assert refusals > 5


def test_folders_that_lack_something(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    assert "has no config.json and no model.safetensors" in refused(tmp_path / "hub")
    folder = write_hub_folder(tmp_path / "hub", seeded_state())
    (folder / "config.json").unlink()
    assert "has no config.json;" in refused(folder)
    assert "put its config.json beside it" in refused(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ("[" * 100_000, "is not JSON"),
        (json.dumps(SETTINGS | {"a": {}}), "holds {}"),
        (json.dumps(SETTINGS | {"cow": 1}), "unknown settings: cow"),
    ],
)
def test_config_files_that_describe_nothing_known(tmp_path: Path, text: str, says: str) -> None:
    folder = write_hub_folder(tmp_path / "hub", seeded_state())
    (folder / "config.json").write_text(text)
    said = refused(folder)
    assert said.startswith(str(folder / "config.json"))
    assert says in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 2}, "is of version 2"),
        ({"kind": "cow"}, "metadata are broken"),
        ({"config": 3}, "metadata are broken"),
        ({"config": {"cow": 3}}, "head=None"),
        ({"config": {"head": {"kind": "cow"}}}, "its head is none of linear, dpt"),
        ({"config": {"head": {"kind": "linear"}, "cow": 3}}, "unknown settings: cow"),
        ({"config": {"head": {"kind": "linear"}, "enc_depth": "3"}}, "enc_depth='3'"),
        ({"config": {"head": {"kind": "linear"}, "rope_base": "3"}}, "rope_base='3'"),
        ({"config": {"head": {"kind": "dpt", "layer_dims": 3}}}, "layer_dims"),
        ({"config": {"head": {"kind": "linear"}, "local_features": 3}}, "local_features=3"),
    ],
)
def test_metadata_that_cannot_be_understood(tmp_path: Path, change: dict[str, object], says: str) -> None:
    metadata = metadata_from_description(Description(TINY, "CC0"))
    metadata["dust3r_sfm"] = json.dumps(json.loads(metadata["dust3r_sfm"]) | change)
    save_file(seeded_state(), tmp_path / "a.safetensors", metadata)
    assert says in refused(tmp_path / "a.safetensors")


def test_cross_view_completion_gives_no_points(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_file(seeded_state(), file, metadata_from_description(Description(CrocoConfig(), "CC0")))
    assert "is a CroCo network" in refused(file)


def test_names_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "(dust3r, dust3r-512-linear, dust3r-224, mast3r)" in refused("dust4r")
    # A path is never taken for a name.
    assert "is no file or folder" in refused(Path("mast3r"))


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    network, description = network_from_config(TINY), Description(TINY, "CC0")
    with pytest.raises(InputError, match="suffix"):
        save_network(tmp_path / "a.pth", network, description)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_network(tmp_path / "file" / "a.safetensors", network, description)
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
