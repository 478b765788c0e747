"""The record of an unfinished run, as disks and hands may leave it."""

import json
from pathlib import Path

import pytest

from dust3r_sfm.errors import OutputError
from dust3r_sfm.pipeline.output import Existing
from dust3r_sfm.pipeline.work_folder import RunRecord, work_folder

RECORD = RunRecord({"a.jpg": "1"}, {"seed": "0"})


def resume(output: Path) -> None:
    with work_folder(output, Existing.RESUME, RECORD, keep=True):
        pass


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"photos": {}}',
        '{"photos": [], "options": {}}',
        '{"photos": {"a.jpg": 1}, "options": {}}',
        '{"photos": {}, "options": null}',
        "[" * 100_000,
        '{"photos": {}, "options": {}',
    ],
)
def test_of_another_shape(text: str, tmp_path: Path) -> None:
    (tmp_path / ".work").mkdir()
    (tmp_path / ".work" / "run.json").write_text(text)
    with pytest.raises(OutputError, match=r"run\.json: is damaged; start anew"):
        resume(tmp_path)
    assert (tmp_path / ".work" / "run.json").read_text() == text


def test_what_was_written_is_resumed(tmp_path: Path) -> None:
    for _ in range(2):
        resume(tmp_path)
    written = json.loads((tmp_path / ".work" / "run.json").read_text())
    assert written == {"photos": RECORD.photos, "options": RECORD.options}
