"""What programs read: events of real runs, held against the page that describes them."""

import re
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import room_command
from known_room import make_room
from markdown_it import MarkdownIt
from room_command import events

from dust3r_sfm.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "command_line.md"
Said = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("events")
    make_room("hall", 1, 3).write(made / "photos")
    (made / "photos" / "töрn\x1b.jpg").write_bytes(b"\xff\xd8")
    return made


@pytest.fixture(scope="module")
def run(folder: Path) -> Said:
    code, out, err = room_command.run("reconstruct", folder / "photos", folder / "out", "--progress", "json")
    assert (code, err) == (0, "")
    return events(out)


def rows(first_heading: str) -> dict[str, list[str]]:
    """Of the page's table with this first heading: what stands between backticks, by first cell."""
    page = PAGE.read_text(encoding="utf-8")
    (table,) = [t for t in re.split(r"\n\n", page) if t.startswith(f"| {first_heading} |")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert MarkdownIt("commonmark").enable("table").parse(table)[0].type == "table_open"
    return {row[0].strip("`"): row[1:] for row in cells}


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", cell))


def test_every_event_has_the_fields_that_are_written_down(run: Said) -> None:
    fields = {event: names(cells[-1]) for event, cells in rows("event").items()}
    own_plan, own_summary = (names(cell) for cell in rows("command")["reconstruct"])
    fields["plan"] |= own_plan
    fields["summary"] |= own_summary
    for said in run:
        assert set(said) == fields[said["event"]] | {"event", "time_s"}
    assert {said["event"] for said in run} == set(fields) - {"error", "warning"}
    assert set(run[-1]["scenes"][0]) == {
        *("images", "points", "mean_reprojection_error_px"),
        *("verdict", "verdict_reason", "unit", "unplaced"),
    }


def test_a_run_from_begin_to_summary(run: Said, folder: Path) -> None:
    kinds = [said["event"] for said in run]
    assert kinds[0] == "begin"
    assert kinds[-1] == "summary"
    assert kinds.index("plan") < kinds.index("summary")
    begin, plan, summary = run[0], run[kinds.index("plan")], run[-1]
    assert (begin["schema"], begin["command"]) == (1, "reconstruct")
    assert begin["arguments"][:2] == ["reconstruct", str(folder / "photos")]
    assert (plan["images"], plan["pairs"], plan["regressor"]) == (3, 3, "lookup")
    assert [said["time_s"] for said in run] == sorted(said["time_s"] for said in run)
    assert (summary["images"], summary["registered"]) == (4, 3)
    assert summary["scenes"][0]["mean_reprojection_error_px"] < 1.0
    assert list(summary["left_out"]) == ["töрn\x1b.jpg"]
    assert all("\x1b" not in line for line in summary["text"])
    assert all((Path(summary["out"]) / name).exists() for name in summary["files"])
    assert [step["purpose"] for step in summary["next"]] == [
        "to see it",
        "to look around",
        "to train a splat",
        "for other programs",
    ]


def test_stages_are_numbered_and_told_to_their_end(run: Said) -> None:
    stages = [said for said in run if said["event"] == "stage"]
    assert [said["stage"] for said in stages] == list(range(1, len(stages) + 1))
    last = {said["stage"]: said for said in run if said["event"] == "advance"}
    for stage in stages:
        told = last[stage["stage"]]
        assert (told["done"], told["total"]) == (stage["total"], stage["total"])
        assert (told["label"], told["unit"]) == (stage["label"], stage["unit"])
        assert told["left_s"] == 0.0


def test_advance_is_told_at_most_five_times_a_second(folder: Path) -> None:
    process = room_command.start(
        "reconstruct", folder / "photos", folder / "slow", "--progress", "json", pause_s=0.06
    )
    out, _ = process.communicate(timeout=120)
    told = [said for said in events(out) if said["event"] == "advance" and said["label"] == "Predicting"]
    assert told[-1]["done"] == told[-1]["total"] == 6
    gaps = [b["time_s"] - a["time_s"] for a, b in pairwise(told[:-1])]
    assert all(gap > 0.1 for gap in gaps)
    assert len(told) < 6


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("reconstruct", "/none/photos", "OUT"), 2),
        (("reconstruct", "PHOTOS", "PHOTOS/out"), 3),
        (("export", "/none/scene", "--format", "ply", "--output", "OUT"), 2),
        (("localize", "/none/scene", "PHOTOS", "--output", "OUT"), 2),
        (("evaluate", "/none/a", "/none/b"), 2),
        (("example", "PHOTOS"), 3),
    ],
)
def test_errors_are_the_last_event(
    folder: Path, words: tuple[str, ...], code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    places = {"PHOTOS": str(folder / "photos"), "OUT": str(folder / "new")}
    given = [word.replace("PHOTOS", places["PHOTOS"]).replace("OUT", places["OUT"]) for word in words]
    assert main([*given, "--progress", "json"]) == code
    out, err = capfd.readouterr()
    assert err == ""
    said = events(out)
    assert [one["event"] for one in said][0 :: len(said) - 1] == ["begin", "error"]
    assert (said[-1]["exit_code"], said[-1]["stopped"]) == (code, False)
    assert not said[-1]["text"].startswith("error")


@pytest.mark.parametrize("name", ["export", "example", "evaluate"])
def test_other_commands(folder: Path, run: Said, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    out = Path(run[-1]["out"])
    words = {
        "export": (out, "--format", "nerfstudio", "--output", folder / "nerfstudio"),
        "example": (folder / "example", "--count", "2", "--width", "64"),
        "evaluate": (out, out, "--json", folder / "scores.json"),
    }
    assert main([name, *map(str, words[name]), "--progress", "json"]) == 0
    said, err = capfd.readouterr()
    assert err == ""
    told = {one["event"]: one for one in events(said)}
    assert {"begin", "summary"} <= set(told)
    own_plan, own_summary = (names(cell) for cell in rows("command")[name])
    if name == "evaluate":
        assert {"rra_5", "maa_30"} <= set(told["summary"])
    else:
        assert set(told["plan"]) == own_plan | {"event", "time_s", "text"}
        assert set(told["summary"]) == own_summary | {"event", "time_s", "text", "next"}


def test_a_run_that_is_stopped(folder: Path) -> None:
    process = room_command.start(
        "reconstruct", folder / "photos", folder / "stopped", "--progress", "json", pause_s=5.0
    )
    assert process.stdout is not None
    seen = ""
    while '"Predicting"' not in seen:
        seen += process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (143, "")
    last = events(seen + rest)[-1]
    assert (last["event"], last["exit_code"], last["stopped"]) == ("error", 143, True)
    assert "--resume" in last["text"]


def test_who_stops_reading_ends_the_run(folder: Path) -> None:
    process = room_command.start(
        "reconstruct", folder / "photos", folder / "unread", "--progress", "json", pause_s=0.3
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == ""
