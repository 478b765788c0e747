"""Files and folders stay small enough to be read whole."""

from pathlib import Path

import dust3r_sfm

PACKAGE = Path(dust3r_sfm.__file__).parent
MOST_LINES, MOST_FILES = 250, 15


def test_no_file_is_too_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert [str(path) for path, lines in lengths.items() if lines > MOST_LINES] == []


def test_no_folder_has_too_many_files() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    counts = {folder: sum(path.name != "__init__.py" for path in folder.glob("*.py")) for folder in folders}
    assert [str(folder) for folder, count in counts.items() if count > MOST_FILES] == []
