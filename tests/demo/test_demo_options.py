"""Names, options and command lines of the demo."""

import json
import sys
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from dust3r_sfm.cli import main
from dust3r_sfm.cli.options import Reconstruct, parse
from dust3r_sfm.demo.names import safe_name
from dust3r_sfm.demo.runs.options import RunOptions, options_from_json, pairs_text, reconstruct_arguments
from dust3r_sfm.demo.runs.state import State, Told
from dust3r_sfm.view_graph import LogWindow, OneReference, Retrieval, SlidingWindow, parse_graph


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("a.jpg", "a.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\b.PNG", "b.png"),
        ("..", "photo"),
        (".", "photo"),
        ("", "photo"),
        ("/", "photo"),
        (".hidden.jpg", "hidden.jpg"),
        ("a\x00b\n.jpg", "ab.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        ("e\u0301.jpg", "é.jpg"),
        ("x" * 300 + ".jpg", "x" * 200 + ".jpg"),
        ("\U0001f600" * 80 + ".jpg", "\U0001f600" * 50 + ".jpg"),
        ("a" + "\u5199" * 80 + ".heic", "a" + "\u5199" * 66 + ".heic"),
        ("a." + "y" * 300, "a." + "y" * 19),
    ],
)
def test_safe_names(wanted: str, name: str) -> None:
    assert safe_name(wanted, []) == name


def test_taken_names_get_a_number() -> None:
    assert safe_name("a.jpg", ["A.JPG", "a-2.jpg"]) == "a-3.jpg"


def test_pairs_are_what_the_command_line_understands() -> None:
    graphs = {
        RunOptions(pairs="swin", window=4, cyclic=False): SlidingWindow(4, cyclic=False),
        RunOptions(pairs="logwin", window=2): LogWindow(2),
        RunOptions(pairs="oneref", reference=3): OneReference(3),
        RunOptions(pairs="retrieval", neighbours=5): Retrieval(5),
    }
    for options, graph in graphs.items():
        assert parse_graph(pairs_text(options)) == graph


@pytest.mark.parametrize("regressor", ["auto", "stereo", "mast3r"])
def test_every_choice_reaches_the_command_line(regressor: str) -> None:
    pairs = (regressor, "swin", 5, False, 0, 8)
    options = RunOptions(*pairs, "gradient", "shared", "sift", frames=9, up="-y", sky="remove", max_points=77)
    assert options_from_json(asdict(options), ("auto", "stereo", "mast3r")) == options
    words = reconstruct_arguments(options, Path("p"), Path("m"), Path("o"), "cpu", 3.5)
    run = parse(words)
    assert isinstance(run, Reconstruct)
    assert (run.photos, run.out, run.photo.masks) == (Path("p"), Path("o"), Path("m"))
    assert (run.photo.pairs, run.photo.cameras) == ("swin-5-noncyclic", "shared")
    assert (run.solving.alignment, run.solving.max_memory, run.output.max_points) == ("gradient", 3.5, 77)
    assert run.compute.regressor == ("mast3r" if regressor == "mast3r" else "stereo")
    assert run.compute.features == ("auto" if regressor == "mast3r" else "sift")
    assert (run.output.up, run.output.sky, run.reporting.progress) == ("-y", "remove", "json")


def test_where_the_server_writes_is_nobody_s_concern() -> None:
    told = Told(State("running"), max_notes=9, hidden="/tmp/demo/job/")
    told.hear(
        {"event": "summary", "out": "/tmp/demo/job/out", "left_out": {"a": ["/tmp/demo/job/photos/a: x"]}}
    )
    told.hear({"event": "error", "text": "/tmp/demo/job/photos: too few"})
    assert told.state.summary == {"event": "summary", "out": "out", "left_out": {"a": ["photos/a: x"]}}
    assert told.state.error == "photos: too few"


def test_a_state_is_json_of_whatever_was_heard() -> None:
    told = Told(State("running"), max_notes=2)
    for event in (
        {"event": "begin"},
        {"event": "stage", "label": "A", "unit": "photos", "total": 2},
        {"event": "advance", "done": 1, "rate": 0.5, "left_s": 2.0},
        {"event": "plan", "text": ["one", "two"], "expected_s": 3.0},
        {"event": "warning", "text": "three"},
        {"event": "stage", "label": "B", "unit": "steps", "total": 1},
        {"event": "news of a later version"},
    ):
        told.hear(event)
    state = told.state.json()
    assert json.loads(json.dumps(state))["notes"] == ["two", "three"]
    assert (state["stage"]["label"], list(state["done_stages"]), state["expected_s"]) == ("B", ["A"], 3.0)
    assert set(state) == {field.name for field in fields(State)} | {"is_video"}


@pytest.mark.parametrize(
    ("names", "told"), [((), False), (("a.jpg", "b.jpg"), False), (("a.m2ts",), True), (("a.lrv",), True)]
)
def test_pages_are_told_whether_it_is_a_video(names: tuple[str, ...], told: bool) -> None:
    assert State(photos=names).json()["is_video"] is told


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--weights", "/none/a.pth"], 2, "does not exist"),
        (["--model-name", "cow"], 2, "known are dust3r, "),
        (["--weights", "/none", "--model-name", "dust3r"], 2, "exclude each other"),
        (["--model-name", "mast3r", "--image-size", "224"], 2, "made for 512"),
        (["--local-network", "--server-name", "127.0.0.1"], 2, "exclude each other"),
        (["--server-name", "256.0.0.1"], 3, "give an address of this machine"),
        (["--tmp-dir", "/proc/none"], 3, "--tmp-dir /proc/none"),
        (["--server-port", "1", "--server-name", "192.0.2.1"], 3, "cannot be listened on"),
    ],
)
def test_what_cannot_be_served(
    words: list[str], code: int, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *words]) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert says in err
    assert len(err.splitlines()) == 1


def test_without_its_extra_the_demo_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["demo"]) == 2
    assert "pip install 'dust3r-sfm[demo]'" in capfd.readouterr().err
