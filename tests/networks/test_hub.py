"""Names, the hub's cache, and a hub: a small server on this machine that answers as the real one does."""

import hashlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from checkpoint_files import seeded_state, write_cache, write_hub_folder
from huggingface_hub import constants
from huggingface_hub.utils import are_progress_bars_disabled  # type: ignore[attr-defined]

from dust3r_sfm.cli import main
from dust3r_sfm.errors import InputError
from dust3r_sfm.networks.checkpoints import cached_path, fetch_weights, find_model, known_models, load_network

REPO = "naver/DUSt3R_ViTLarge_BaseDecoder_512_dpt"
MAST3R = "naver/MASt3R_ViTLarge_BaseDecoder_512_catmlpdpt_metric"


class Hub:
    """Serves the files of one folder as the repository REPO, and keeps what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[str]()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def do_GET(self) -> None:
                self._answer(with_body=True)

            def _answer(self, with_body: bool) -> None:
                hub.asked.append(f"{self.command} {self.path}")
                file = hub.folder / self.path.split("/")[-1]
                known = self.path.startswith(f"/{REPO}/resolve/main/") and file.is_file()
                body = file.read_bytes() if known else b""
                self.send_response(200 if known else 404)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
                self.send_header("X-Repo-Commit", "f" * 40)
                if not known:
                    self.send_header("X-Error-Code", "EntryNotFound")
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no server: what a machine without internet has."""
    point_at(monkeypatch, "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path / "cache"


@pytest.fixture
def hub(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub(write_hub_folder(tmp_path / "served", seeded_state()))
    point_at(monkeypatch, hub.address)
    thread = threading.Thread(target=hub.server.serve_forever)
    thread.start()
    yield hub
    hub.server.shutdown()
    thread.join()
    hub.server.server_close()


def point_at(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    # Older versions of the hub's library keep it here too.
    name = "huggingface_hub.file_download.HUGGINGFACE_CO_URL_TEMPLATE"
    monkeypatch.setattr(name, template, raising=False)


def test_known_models() -> None:
    models = {model.name: model for model in known_models()}
    assert list(models) == ["dust3r", "dust3r-512-linear", "dust3r-224", "mast3r"]
    assert models["mast3r"].repo == MAST3R
    assert [model.name for model in models.values() if model.metric] == ["mast3r"]
    assert find_model(REPO) is models["dust3r"]
    assert find_model("DUSt3R") is None


def test_what_is_cached(cache: Path) -> None:
    assert cached_path("dust3r") is None
    snapshot = write_cache(cache, REPO, seeded_state())
    assert cached_path("dust3r") == snapshot
    assert cached_path("dust3r-224") is None
    (snapshot / "model.safetensors").unlink()
    assert cached_path("dust3r") is None
    with pytest.raises(InputError, match="cow: is not a known network; known are dust3r, "):
        cached_path("cow")


def test_a_cached_network_needs_no_server(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = write_cache(cache, MAST3R, seeded_state())
    loaded = load_network("mast3r")
    assert (loaded.name, loaded.metric) == ("mast3r", True)
    assert loaded.licence == "CC BY-NC-SA 4.0 (non-commercial)"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load_network("mast3r").fingerprint == loaded.fingerprint
    # By its path, it is the same network still.
    assert load_network(snapshot).fingerprint == loaded.fingerprint


class Told:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.stages: list[list[object]] = []

    def start(self, label: str, total: int, unit: str) -> None:
        self.stages.append([label, total, unit, 0])

    def advance(self, count: int = 1) -> None:
        self.stages[-1][3] += count  # type: ignore[operator]


def test_how_far_a_download_is(
    cache: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    size = (hub.folder / "model.safetensors").stat().st_size
    monkeypatch.setattr("dust3r_sfm.networks.checkpoints.download_progress.MEGABYTE", 1000)
    told = Told()
    fetch_weights("dust3r", told)
    assert told.stages == [["Downloading dust3r", size // 1000, "MB", size // 1000]]
    assert not are_progress_bars_disabled()
    assert capfd.readouterr().err == ""
    fetch_weights("dust3r", told)
    fetch_weights(cache, told)
    assert len(told.stages) == 1, "what is here is not fetched"


def test_a_download(cache: Path, hub: Hub) -> None:
    loaded = load_network("dust3r")
    assert loaded.name == "dust3r"
    fetched = [line.split("/")[-1] for line in hub.asked if line.startswith(f"GET /{REPO}")]
    assert fetched == ["config.json", "model.safetensors"]
    folder = cached_path("dust3r")
    assert folder is not None
    assert folder.is_relative_to(cache)
    hub.asked.clear()
    assert load_network(REPO).fingerprint == loaded.fingerprint
    assert not any(REPO in line for line in hub.asked)


def test_a_download_that_the_hub_refuses(hub: Hub) -> None:
    (hub.folder / "model.safetensors").unlink()
    said = instruction("dust3r")
    assert "they could not be fetched from http://127.0.0.1" in said
    assert "404" in said


def instruction(name: str) -> str:
    with pytest.raises(InputError) as caught:
        load_network(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("offline", [True, False])
def test_without_weights_or_internet(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, offline: bool
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    said = instruction("dust3r")
    reason = (
        "HF_HUB_OFFLINE forbids to fetch them"
        if offline
        else "they could not be fetched from http://127.0.0.1:9 (...)"
    )
    assert re.sub(r"\(.*\)(?=\. Where)", "(...)", said) == (
        f"dust3r: its weights are not on this machine, and {reason}. Where there is internet, run `hf "
        f"download {REPO} config.json model.safetensors --local-dir dust3r` (2.3 GB), bring that folder "
        "here, and give its path instead of the name (or bring "
        f"models--naver--DUSt3R_ViTLarge_BaseDecoder_512_dpt from the cache there to {cache})"
    )
    assert caplog.messages == []


def assert_table(out: str, cache: Path, snapshot: Path) -> None:
    lines = [line.rstrip() for line in out.splitlines()]
    assert re.fullmatch(r"dust3r  .*512 px, DPT  .*no  .*2\.3 GB  no", lines[1])
    assert re.fullmatch(r"mast3r  .*512 px, matching  .*yes  .*2\.8 GB  yes", lines[4])
    names = ", ".join(model.name for model in known_models())
    assert lines[5] == f"CC BY-NC-SA 4.0 (non-commercial): the weights of {names}"
    assert lines[6:-1] == [f"mast3r: {snapshot}"]
    assert str(cache) in lines[-1]


def test_the_models_command(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    snapshot = write_cache(cache, MAST3R, seeded_state())
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["models"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert_table(out, cache, snapshot)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "folder"),
    [({"HF_HUB_CACHE": "CACHE"}, "CACHE"), ({"HF_HOME": "HOME"}, "HOME/hub")],
)
def test_variables_of_the_hub(tmp_path: Path, environment: dict[str, str], folder: str) -> None:
    snapshot = write_cache(tmp_path / folder, MAST3R, seeded_state())
    variables = {name: str(tmp_path / value) for name, value in environment.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    code = (
        "import sys; from dust3r_sfm.cli import main; code = main(['models']);"
        "from dust3r_sfm.networks.checkpoints import load_network; load_network('dust3r')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | variables | {"HF_HUB_OFFLINE": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert_table(run.stdout, tmp_path / folder, snapshot)
    assert "HF_HUB_OFFLINE forbids to fetch them" in run.stderr.splitlines()[-1]
