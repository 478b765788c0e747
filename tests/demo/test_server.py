"""What the demo's server takes and refuses, and what it leaves: nothing."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image
from running_demo import Running, running

from dust3r_sfm.io.photo_names import unusable_names
from dust3r_sfm.synthetic.example import write_example

RUN = b'{"pairs": "complete"}'


def picture(seed: int = 0, width: int = 96) -> bytes:
    made = BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (width * 3 // 4, width, 3), np.uint8)
    Image.fromarray(noise).save(made, "JPEG")
    return made.getvalue()


def bomb() -> bytes:
    """A PNG of 60 000 x 60 000 pixels, in a few bytes."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    end = struct.pack(">I", zlib.crc32(header)) + bytes(4) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\r" + header + end


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Large enough that a run takes a while."""
    example = write_example(tmp_path_factory.mktemp("example"), count=5, width=640, height=480)
    return [path.read_bytes() for path in sorted(example.images.iterdir())]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = {"max_file_bytes": 2_000_000, "max_job_bytes": 2_500_000, "max_photos": 6, "max_jobs": 30}
    with running(tmp_path_factory.mktemp("demo"), **limits) as found:
        yield found


def test_hostile_names_stay_below_the_folder(demo: Running) -> None:
    job, before = demo.create(), demo.files()
    wanted = [
        "../../x.jpg",
        "..\\..\\y.jpg",
        "<img src=x onerror=alert(1)>.JPG",
        "a\x1b[31m\nb\u202e.jpg",
    ]
    names = []
    for number, name in enumerate(wanted):
        status, answer = demo.upload(job, name, picture(number))
        assert status == 201, answer
        names.append(answer["name"])
    assert names[:2] == ["x.jpg", "y.jpg"]
    assert names[2:4] == ["<img src=x onerror=alert(1)>.jpg", "a[31mb.jpg"]
    new = demo.files() - before
    assert {path.split("/", 1)[1] for path in new} == {f"photos/{name}" for name in names}
    status, answer = demo.upload(job, "X.jpg", picture(9))
    assert answer["name"] == "X-2.jpg", "whatever the case of letters"


@pytest.mark.parametrize("letter", ["x", "\u5199", "\U0001f600"])
def test_long_names_are_kept_short_enough_for_runs(demo: Running, letter: str) -> None:
    """Runs leave out what is called too long for the names of what they write."""
    job = demo.create()
    for number in range(2):
        status, answer = demo.upload(job, letter * 120 + ".jpg", picture(number))
        assert status == 201, answer
    names = demo.ask("GET", job)[1]["photos"]
    assert unusable_names(names) == {}
    assert all(name.startswith(letter * 40) for name in names)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"words", "neither a photo"),
        ("a.jpg", b"MZ\x90\x00", "holds no picture"),
        ("a.jpg", b"", "holds no picture"),
        ("a.heic", b"MZ\x90\x00", "holds no picture"),
        ("a.HEIF", b"%!PS-Adobe-3.0 EPSF-3.0", "holds no picture"),
        ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "holds no picture"),
        ("a.mp4", b"<html>", "called a video"),
        ("a.svg", b"<svg onload=alert(1)>", "neither a photo"),
        ("a.png", bomb(), "more pixels"),
    ],
)
def test_bad_uploads_are_refused_and_leave_nothing(
    demo: Running, name: str, content: bytes, says: str
) -> None:
    job, before = demo.create(), demo.files()
    status, answer = demo.upload(job, name, content)
    assert status == 400
    assert says in answer["error"]
    assert demo.files() == before


def test_one_video_or_photos(demo: Running) -> None:
    job = demo.create()
    assert demo.upload(job, "a.jpg", picture())[0] == 201
    assert "one video, or photos" in demo.upload(job, "a.mp4", b"\0\0\0\x18ftypisom")[1]["error"]
    status, answer = demo.ask("POST", f"{job}/run", RUN)
    assert (status, answer["error"]) == (400, "give two photos or more, or a video")


def chunks(demo: Running, path: str, content: bytes, times: int) -> bytes:
    """Sends an upload without saying how large it is, as far as it is taken; the first line of the answer."""
    place = urlsplit(demo.address)
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=30) as connection:
        head = f"PUT {path} HTTP/1.1\r\nHost: {place.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        try:
            for _ in range(times):
                connection.sendall(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        except OSError:
            pass
        return connection.recv(100).split(b"\r\n")[0]


def test_too_much_is_refused_while_it_comes(demo: Running) -> None:
    job, before = demo.create(), demo.files()
    # Two gigabytes, of which two megabytes are taken at most.
    assert chunks(demo, f"{job}/photos?name=a.jpg", bytes(2**20), 2000) in (b"HTTP/1.1 400 Bad Request", b"")
    assert demo.files() == before
    place = urlsplit(demo.address)
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=30) as connection:
        head = f"PUT {job}/photos?name=a.jpg HTTP/1.1\r\nHost: {place.netloc}\r\n"
        connection.sendall(f"{head}Content-Length: 2000000000\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    for number in range(2):
        noise = picture(number, 1800)
        assert demo.upload(job, f"{number}.jpg", noise)[0] == (201 if number == 0 else 400), len(noise)
    assert len(demo.files() - before) == 1


def test_a_lost_upload_leaves_nothing(demo: Running) -> None:
    job, before = demo.create(), demo.files()
    place = urlsplit(demo.address)
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=30) as connection:
        head = (
            f"PUT {job}/photos?name=a.jpg HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 100000\r\n\r\n"
        )
        connection.sendall(head.encode() + bytes(5000))
        wait_until(lambda: demo.files() != before)
    wait_until(lambda: demo.files() == before)


def test_nothing_is_removed_while_a_file_comes(demo: Running) -> None:
    """Its bytes were counted off twice, and more was taken afterwards than may be."""
    job, before = demo.create(), demo.files()
    demo.upload(job, "first.jpg", picture())
    place = urlsplit(demo.address)
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=30) as connection:
        head = (
            f"PUT {job}/photos?name=a.jpg HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 100000\r\n\r\n"
        )
        connection.sendall(head.encode() + bytes(5000))
        wait_until(lambda: len(demo.files()) == len(before) + 2)
        status, answer = demo.ask("DELETE", f"{job}/uploads")
        assert (status, "still coming" in answer["error"]) == (400, True)
        assert demo.ask("GET", job)[1]["photos"] == ["first.jpg"]
    wait_until(lambda: len(demo.files()) == len(before) + 1)
    assert demo.ask("DELETE", f"{job}/uploads")[0] == 204
    assert demo.files() == before
    assert demo.ask("GET", job)[1]["photos"] == []


def test_photos_are_told_in_the_order_that_runs_count_in(demo: Running) -> None:
    job = demo.create()
    for number, name in enumerate(("10.jpg", "2.jpg", "1.jpg")):
        assert demo.upload(job, name, picture(number))[0] == 201
    assert demo.ask("GET", job)[1]["photos"] == ["1.jpg", "2.jpg", "10.jpg"]


def test_remove_all_after_a_run_is_a_new_beginning(demo: Running, tmp_path: Path) -> None:
    example, before = write_example(tmp_path / "example", count=4, width=256, height=192), demo.files()
    job = started(demo, [path.read_bytes() for path in sorted(example.images.iterdir())])
    demo.wait_for(job, "done")
    assert demo.ask("GET", f"{job}/report")[0] == 200
    with urlopen(f"{demo.address.rstrip('/')}{job}/pictures/0/depth") as answer:
        assert answer.headers["cache-control"] == "no-store", "the next run's has the same address"
    assert demo.ask("DELETE", f"{job}/uploads")[0] == 204
    assert demo.files() == before
    state = demo.ask("GET", job)[1]
    assert (state["status"], state["photos"], state["summary"]) == ("new", [], None)
    for path in ("report", "photos", "download/points.ply"):
        assert demo.ask("GET", f"{job}/{path}")[0] == 409


def wait_until(holds: object, within_s: float = 15.0) -> None:
    end = time.monotonic() + within_s
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:80"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_may_not_ask(demo: Running, headers: dict[str, str]) -> None:
    assert demo.ask("POST", "/api/jobs", headers=headers)[0] == 403
    assert demo.ask("GET", "/api/about", headers=headers)[0] == 403
    own = demo.address.rstrip("/")
    assert demo.ask("GET", "/api/about", headers={"Origin": own, "Sec-Fetch-Site": "same-origin"})[0] == 200


def test_what_is_not_there(demo: Running) -> None:
    job = demo.create()
    for method, path in (
        ("GET", "/api/jobs/none"),
        ("GET", "/../../etc/passwd"),
        ("GET", "/page/demo.js"),
        ("PUT", f"{job}/out?name=a.jpg"),
        ("GET", f"{job}/download/x"),
        ("GET", "/viewer/none/"),
    ):
        assert demo.ask(method, path)[0] in (404, 405, 409)
    assert demo.ask("GET", f"{job}/report")[0] == 409


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"pairs": "; rm -rf /"}', "pairs: give one of"),
        (b'{"regressor": "/etc/passwd"}', "regressor: give one of"),
        (b'{"window": 0, "pairs": "swin"}', "window: give 1 to"),
        (b'{"window": "3"}', "window: is to be int"),
        (b'{"out": "/"}', "out: is no option"),
        (b"[]", "no object"),
        (b"{", "no JSON"),
    ],
)
def test_options_that_cannot_be(demo: Running, body: bytes, says: str) -> None:
    status, answer = demo.ask("POST", f"{demo.create()}/run", body)
    assert status == 400
    assert says in answer["error"]


def started(demo: Running, photos: list[bytes]) -> str:
    job = demo.create()
    for number, photo in enumerate(photos):
        assert demo.upload(job, f"{number}.jpg", photo)[0] == 201
    assert demo.ask("POST", f"{job}/run", RUN)[0] == 204
    return job


def test_stop_takes_two_seconds_and_leaves_photos_alone(demo: Running, photos: list[bytes]) -> None:
    job = started(demo, photos)
    end = time.monotonic() + 60
    while not (state := demo.ask("GET", job)[1])["stage"] or state["stage"]["label"] == "Reading photos":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert demo.children()
    begin = time.monotonic()
    assert demo.ask("POST", f"{job}/stop")[0] == 204
    assert time.monotonic() - begin < 2.0
    assert demo.children() == []
    assert demo.ask("GET", job)[1]["status"] == "stopped"
    own = {path for path in demo.files() if path.startswith(job.split("/")[-1])}
    assert own == {f"{job.split('/')[-1]}/photos/{number}.jpg" for number in range(len(photos))}
    assert demo.ask("DELETE", job)[0] == 204
    assert demo.ask("GET", job)[0] == 404
    assert not own & demo.files()


def test_the_second_waits_and_is_told_its_place(demo: Running, photos: list[bytes]) -> None:
    first, second, third = (started(demo, photos) for _ in range(3))
    places = [demo.ask("GET", job)[1]["place"] for job in (first, second, third)]
    assert places == [0, 1, 2]
    assert len(demo.children()) <= 1
    assert demo.ask("POST", f"{second}/stop")[0] == 204
    assert demo.ask("GET", second)[1]["status"] == "stopped"
    assert demo.ask("GET", third)[1]["place"] == 1
    _, answer = demo.upload(third, "more.jpg", picture())
    assert "a run goes on" in answer["error"]
    assert demo.ask("POST", f"{first}/stop")[0] == 204
    assert demo.wait_for(third, "running", within_s=10)["place"] == 0
    for job in (first, second, third):
        demo.ask("DELETE", job)
    assert demo.children() == []


def test_who_asks_twice_runs_once(demo: Running, photos: list[bytes]) -> None:
    job = started(demo, photos)
    status, answer = demo.ask("POST", f"{job}/run", RUN)
    assert (status, answer["error"]) == (400, "it runs already")
    assert len(demo.children()) <= 1
    demo.ask("DELETE", job)


def test_photos_that_cannot_be_used_are_told(demo: Running) -> None:
    job = started(demo, [picture(number) for number in range(2)])
    state = demo.wait_for(job, "failed")
    assert "no model" in state["error"]
    assert str(demo.parent) not in state["error"]


def test_a_video_gives_its_frames(demo: Running, photos: list[bytes], tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="videos need PyAV, the extra [video]")
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for photo in photos:
            frame = av.VideoFrame.from_ndarray(np.asarray(Image.open(BytesIO(photo))), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    job = demo.create()
    status, answer = demo.upload(job, "film.mp4", (tmp_path / "film.mp4").read_bytes())
    assert status == 201, answer
    assert demo.ask("POST", f"{job}/run", b'{"frames": 3, "pairs": "complete"}')[0] == 204
    wait_until(lambda: "Reading photos" in demo.ask("GET", job)[1]["done_stages"], 120.0)
    assert "Reading video" in demo.ask("GET", job)[1]["done_stages"]
    assert any("3 images" in note for note in demo.ask("GET", job)[1]["notes"])
    assert demo.ask("DELETE", job)[0] == 204
    assert demo.children() == []


def test_a_run_that_nobody_watches_gives_way(tmp_path: Path, photos: list[bytes]) -> None:
    with running(tmp_path, lonely_s=1.0, alive_s=0.3) as demo:
        job = started(demo, photos)
        time.sleep(4.0)
        assert demo.ask("GET", job)[1]["status"] == "stopped"
        assert demo.children() == []


def test_what_nobody_asks_for_goes(tmp_path: Path) -> None:
    with running(tmp_path, keep_s=0.5, alive_s=0.2) as demo:
        job = demo.create()
        demo.upload(job, "a.jpg", picture())
        wait_until(lambda: not demo.files())
        assert demo.ask("GET", job)[0] == 404


def test_there_is_an_end_of_jobs(tmp_path: Path) -> None:
    with running(tmp_path, max_jobs=3) as demo:
        jobs = [demo.create() for _ in range(3)]
        for job in jobs:
            demo.upload(job, "a.jpg", picture())
        demo.create()
        left = [demo.ask("GET", job)[0] for job in jobs]
        assert left == [404, 200, 200], "the one that nobody has asked for longest gives way"


def test_a_job_that_gives_way_takes_its_viewer_and_its_files_along(tmp_path: Path) -> None:
    pytest.importorskip("viser", reason="viewers need viser, the extra [viewer]")
    example = write_example(tmp_path / "example", count=4, width=256, height=192)
    (tmp_path / "demo").mkdir()
    with running(tmp_path / "demo", max_jobs=1) as demo:
        job = started(demo, [path.read_bytes() for path in sorted(example.images.iterdir())])
        demo.wait_for(job, "done")
        assert demo.ask("POST", f"{job}/viewer")[1]["address"] is not None
        assert len(demo.children("view")) == 1
        demo.create()
        assert demo.ask("GET", job)[0] == 404
        assert demo.children() == []
        assert demo.files() == set()


def test_what_a_killed_server_leaves_goes_with_the_next(tmp_path: Path, photos: list[bytes]) -> None:
    with running(tmp_path) as demo:
        started(demo, photos)
        wait_until(demo.children)
        children = demo.children()
        demo.process.send_signal(signal.SIGKILL)
        demo.process.wait()
        # The run has nobody to tell how far it is.
        wait_until(lambda: not any(os.path.exists(f"/proc/{child}/exe") for child in children), 60.0)
        assert list(tmp_path.iterdir())
    with running(tmp_path) as demo:
        assert demo.files() == set()
        with running(tmp_path) as other:
            assert len(list(tmp_path.iterdir())) == 2, "the folder of one that runs stays"
            other.process.send_signal(signal.SIGKILL)
            other.process.wait()
        shutil.rmtree(next(p for p in tmp_path.iterdir() if p != next(iter(demo_places(demo)))))


def demo_places(demo: Running) -> list[Path]:
    return sorted(demo.parent.iterdir(), key=lambda path: path.stat().st_mtime)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1200k", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_and_nothing_is_left_of_it(small_disk: Path, photos: list[bytes]) -> None:
    with running(small_disk) as demo:
        job = demo.create()
        status, answer = demo.upload(job, "large.jpg", photos[0] + bytes(3_000_000))
        assert status == 507
        assert answer["error"] == "large.jpg: there is no room left on the disk of this demo"
        assert demo.files() == set()
        # There is room for photos, and none for what comes of them.
        job = started(demo, photos)
        state = demo.wait_for(job, "failed")
        assert "free" in state["error"] or "room" in state["error"]
        assert all("/photos/" in path for path in demo.files())
