"""Nothing that is read is written over, however it is spelt."""

from pathlib import Path

import pytest

from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.outputs.own_files import check_apart, check_spared, read_files


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photos" / "a.jpg"
    path.parent.mkdir()
    path.write_text("mine")
    return path


def test_the_file_itself_by_any_of_its_names(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link.txt").symlink_to(photo)
    (tmp_path / "linked").symlink_to(photo.parent)
    monkeypatch.chdir(tmp_path)
    for name in ("photos/a.jpg", "photos/../photos/a.jpg", "link.txt", "linked/a.jpg"):
        with pytest.raises(
            OutputError, match=r"is a photo \(.*a\.jpg\), which would be replaced; choose another"
        ):
            check_spared(Path(name), [("a photo", photo)])
    for name in ("photos/b.jpg", "a.jpg", "new/a.jpg"):
        check_spared(Path(name), [("a photo", photo)])


def test_a_folder_that_holds_it(tmp_path: Path, photo: Path) -> None:
    for folder in (tmp_path, photo.parent):
        with pytest.raises(OutputError, match="holds a photo"):
            check_spared(folder, [("a photo", photo)])


def test_a_link_among_the_inputs(tmp_path: Path, photo: Path) -> None:
    """Lost where it lies as well as where it leads to."""
    (tmp_path / "list").mkdir()
    link = tmp_path / "list" / "first.jpg"
    link.symlink_to(photo)
    for folder in (tmp_path / "list", photo.parent):
        with pytest.raises(OutputError, match="holds a photo"):
            check_spared(folder, [("a photo", link)])


@pytest.mark.parametrize(
    ("first", "second"), [("x", "x"), ("x", "./x"), ("x", "x/y.txt"), ("x/y.txt", "x"), ("x", "link")]
)
def test_two_outputs_are_two(tmp_path: Path, first: str, second: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "x")
    with pytest.raises(OutputError, match=r"--json .* would be written over --output"):
        check_apart({"--output": tmp_path / first, "--pictures": None, "--json": tmp_path / second})
    check_apart({"--output": tmp_path / "x", "--json": tmp_path / "xy"})


def test_files_of_a_model(tmp_path: Path) -> None:
    model = tmp_path / "sparse" / "0"
    model.mkdir(parents=True)
    for name in ("cameras.bin", "images.bin", "points3D.bin"):
        (model / name).touch()
    (tmp_path / "report.json").touch()
    (tmp_path / "notes.txt").touch()
    found = {path.relative_to(tmp_path).as_posix() for _, path in read_files("TRUTH", tmp_path)}
    assert found == {
        "report.json",
        "sparse/0/cameras.bin",
        "sparse/0/images.bin",
        "sparse/0/points3D.bin",
    }
    assert list(read_files("list", tmp_path / "none.txt")) == [("list", tmp_path / "none.txt")]
    assert list(read_files("list", None)) == []
