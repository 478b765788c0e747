"""Frames out of videos that PyAV wrote, in which every frame is known."""

import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dust3r_sfm.errors import InputError
from dust3r_sfm.images import FrameSampling, sample_frames
from dust3r_sfm.images.video import sharpness

av = pytest.importorskip("av", reason="videos need PyAV, the extra [video]")

WIDTH, HEIGHT = 96, 64


def numbered_frame(number: int, blurred: bool = False) -> Image.Image:
    """Grey stripes whose brightness in the left third is the number."""
    pixels = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    pixels[:, ::8] = 200
    pixels[:, 1::8] = 200
    pixels[:, : WIDTH // 3] = 16 + 4 * number
    image = Image.fromarray(pixels)
    return image.filter(ImageFilter.GaussianBlur(3)) if blurred else image


def number_of(path: Path) -> int:
    return round((np.asarray(Image.open(path))[8:-8, 8:20].mean() - 16) / 4)


def write_video(path: Path, frames: Iterable[Image.Image], aspect: Fraction | None = None) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 4_000_000
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode())
    return path


def test_even_frames_are_the_middles_of_equal_parts(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", [numbered_frame(i) for i in range(40)])
    paths = sample_frames(video, tmp_path / "out", FrameSampling(8, "even"))
    assert [path.name for path in paths] == [f"frame_{i:05d}.png" for i in range(1, 9)]
    assert [number_of(path) for path in paths] == [2, 7, 12, 17, 22, 27, 32, 37]


def test_the_sharpest_of_each_part(tmp_path: Path) -> None:
    sharp = {1, 9, 10, 19}
    frames = [numbered_frame(i, blurred=i not in sharp) for i in range(20)]
    video = write_video(tmp_path / "a.mp4", frames)
    paths = sample_frames(video, tmp_path / "out", FrameSampling(4))
    assert [number_of(path) for path in paths] == [1, 9, 10, 19]


@pytest.mark.parametrize(("frames", "count", "expected"), [(5, 300, 5), (7, 3, 3), (1, 1, 1), (10, 9, 9)])
def test_as_many_as_asked_for_or_as_there_are(tmp_path: Path, frames: int, count: int, expected: int) -> None:
    video = write_video(tmp_path / "a.mp4", [numbered_frame(i) for i in range(frames)])
    numbers = [number_of(path) for path in sample_frames(video, tmp_path / "out", FrameSampling(count))]
    assert len(numbers) == expected
    assert numbers == sorted(set(numbers))


def test_the_same_bytes_again(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", [numbered_frame(i) for i in range(12)])
    first, second = (sample_frames(video, tmp_path / name, FrameSampling(3)) for name in ("one", "two"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


# The display matrix of MP4 (16.16 fixed point) that phones write, and which corner of the stored frame
# is shown at the top left.
TURNS = {
    90: ((0, 1, 0, -1, 0, 0), "bottom left"),
    180: ((-1, 0, 0, 0, -1, 0), "bottom right"),
    270: ((0, -1, 0, 1, 0, 0), "top right"),
}


@pytest.mark.parametrize("clockwise", TURNS)
def test_what_a_phone_filmed_upright_comes_out_upright(tmp_path: Path, clockwise: int) -> None:
    matrix, shown_first = TURNS[clockwise]
    pixels = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    rows = slice(0, 16) if "top" in shown_first else slice(HEIGHT - 16, HEIGHT)
    columns = slice(0, 16) if "left" in shown_first else slice(WIDTH - 16, WIDTH)
    pixels[rows, columns] = 220
    video = write_video(tmp_path / "a.mp4", [Image.fromarray(pixels)] * 3)
    turn_display(video, matrix)
    (path,) = sample_frames(video, tmp_path / "out", FrameSampling(1, "even"))
    shown = np.asarray(Image.open(path))
    assert shown.shape == ((HEIGHT, WIDTH, 3) if clockwise == 180 else (WIDTH, HEIGHT, 3))
    assert shown[:14, :14].mean() > 180
    assert shown[-14:, -14:].mean() < 70
    assert shown[-14:, :14].mean() < 70


def turn_display(video: Path, matrix: tuple[int, ...]) -> None:
    """Writes the track's display matrix, which lies 40 bytes into the tkhd box of version 0."""
    data = bytearray(video.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    a, b, u, c, d, v = matrix
    values = (a << 16, b << 16, u, c << 16, d << 16, v, 0, 0, 1 << 30)
    data[start : start + 36] = struct.pack(">9i", *values)
    video.write_bytes(bytes(data))


def test_pixels_come_out_square(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", [numbered_frame(i) for i in range(4)], Fraction(4, 3))
    (path,) = sample_frames(video, tmp_path / "out", FrameSampling(1))
    assert Image.open(path).size == (WIDTH * 4 // 3, HEIGHT)


def test_sharpness_falls_with_blur_and_not_with_exposure() -> None:
    image = numbered_frame(0)
    gray = np.asarray(image.convert("L"))
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(1)).convert("L"))
    assert sharpness(blurred) < 0.5 * sharpness(gray)
    assert sharpness(gray // 2) == pytest.approx(sharpness(gray), rel=0.02)
    assert sharpness(np.full((8, 8), 7, np.uint8)) == 0.0


def not_there(path: Path) -> None:
    pass


def only_text(path: Path) -> None:
    path.write_text("no film")


def cut_short(path: Path) -> None:
    write_video(path, [numbered_frame(i) for i in range(4)])
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("prepare", [not_there, only_text, cut_short])
def test_what_is_no_video_is_named(tmp_path: Path, prepare) -> None:
    prepare(tmp_path / "film.mp4")
    with pytest.raises(InputError, match=r"film\.mp4"):
        sample_frames(tmp_path / "film.mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(InputError, match="no pictures"):
        sample_frames(tmp_path / "sound.wav", tmp_path / "out")


def write_two_streams(path: Path, frames: list[Image.Image], cover: Image.Image, attached: bool) -> Path:
    """A cover picture as stream 0, as drones and shops write it, and the film as stream 1."""
    with av.open(str(path), "w") as container:
        first = container.add_stream("mjpeg", rate=24)
        first.width, first.height, first.pix_fmt = cover.width, cover.height, "yuvj420p"
        if attached:
            first.disposition = av.stream.Disposition.attached_pic
        film = container.add_stream("mpeg4", rate=24)
        film.width, film.height, film.pix_fmt, film.bit_rate = WIDTH, HEIGHT, "yuv420p", 4_000_000
        container.mux(first.encode(av.VideoFrame.from_image(cover).reformat(format="yuvj420p")))
        container.mux(first.encode())
        for frame in frames:
            container.mux(film.encode(av.VideoFrame.from_image(frame)))
        container.mux(film.encode())
    return path


@pytest.mark.parametrize("attached", [False, True])
def test_a_cover_picture_is_not_the_film(tmp_path: Path, attached: bool) -> None:
    cover = Image.new("RGB", (200, 160), "red")
    frames = [numbered_frame(i) for i in range(12)]
    video = write_two_streams(tmp_path / "a.mp4", frames, cover, attached)
    with av.open(str(video)) as container:
        assert len(container.streams.video) == 2
    paths = sample_frames(video, tmp_path / "out", FrameSampling(4, "even"))
    assert [number_of(path) for path in paths] == [1, 4, 7, 10]


def packets_of(video: Path) -> list[tuple[int, int]]:
    """Where in the file each begins, and its bytes."""
    with av.open(str(video)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def test_a_damaged_packet_costs_its_frame_alone(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", [numbered_frame(i) for i in range(40)])
    start, size = packets_of(video)[20]
    data = bytearray(video.read_bytes())
    data[start : start + size] = bytes(size)
    video.write_bytes(data)
    said: list[str] = []
    paths = sample_frames(video, tmp_path / "out", FrameSampling(40), say=said.append)
    assert [number_of(path) for path in paths] == [*range(20), *range(21, 40)]
    assert said == [f"{video}: 1 of 40 frames are damaged, and left out"]


def test_whatever_is_damaged_the_rest_comes_out_or_an_error_of_ours(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", [numbered_frame(i) for i in range(30)]).read_bytes()
    rng, read, refused = np.random.default_rng(0), 0, list[str]()
    for number in range(25):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 10):
            data[at] ^= 1 << int(rng.integers(0, 8))
        broken = tmp_path / f"{number}.mp4"
        broken.write_bytes(data[: rng.integers(len(data) // 2, len(data))] if number % 5 == 4 else data)
        try:
            read += len(sample_frames(broken, tmp_path / f"out{number}", FrameSampling(30))) > 0
        except InputError as error:
            refused.append(str(error))
    assert read >= 10
    assert all(message.startswith(str(tmp_path)) for message in refused)


def test_a_film_of_damaged_packets_alone_is_an_error(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", [numbered_frame(i) for i in range(5)])
    data = bytearray(video.read_bytes())
    for start, size in packets_of(video):
        data[start : start + size] = bytes(size)
    video.write_bytes(data)
    with pytest.raises(InputError, match="none of its 5 frames can be decoded"):
        sample_frames(video, tmp_path / "out")
