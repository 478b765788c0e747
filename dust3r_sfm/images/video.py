"""Photos out of a video: frames spread over its length, upright, as lossless files."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.images.sampling import FrameSampling
from dust3r_sfm.progress import Progress, Silent

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

_PNG_EFFORT = 3  # Half the default's time for a twentieth more bytes.


def sample_frames(
    video: Path,
    folder: Path,
    sampling: FrameSampling | None = None,
    progress: Progress | None = None,
    prefix: str = "frame_",
) -> tuple[Path, ...]:
    """Writes frames as `folder/<prefix>00001.png`, ... in the order they were taken, upright and with
    square pixels, and returns them. The same video and sampling give the same bytes.

    One part's best frame is in memory at a time. Raises InputError for what PyAV cannot decode.
    """
    sampling = sampling or FrameSampling()
    total = _count_frames(video)
    (progress or Silent()).start("Reading video", total, "frames")
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    with _open(video) as container:
        aspect = container.streams.video[0].sample_aspect_ratio
        for frame in _choose(_decode(container, progress or Silent()), total, sampling):
            paths.append(folder / f"{prefix}{len(paths) + 1:05d}.png")
            image = Image.fromarray(_as_shown(frame, aspect))
            image.save(paths[-1], compress_level=_PNG_EFFORT)
    return tuple(paths)


def sharpness(gray: UInt8[np.ndarray, "h w"]) -> float:
    """Mean squared step between neighbouring pixels over the variance of all: falls with blur, and stays
    where only exposure changes. 0 for a plain picture."""
    # Every other row and column of steps tell the same at half the work.
    across = np.diff(gray[::2].astype(np.int32), axis=1)
    down = np.diff(gray[:, ::2].astype(np.int32), axis=0)
    variance = float(gray.var())
    return 0.0 if variance == 0.0 else float(np.square(across).mean() + np.square(down).mean()) / variance


def _choose(frames: "Iterator[VideoFrame]", total: int, sampling: FrameSampling) -> "Iterator[VideoFrame]":
    parts = min(sampling.count, total)
    best: VideoFrame | None = None
    best_value, part = -np.inf, 0
    for index, frame in enumerate(frames):
        # A file may hold a few frames more than it counts: they belong to the last part.
        if min(index * parts // total, parts - 1) > part and best is not None:
            yield best
            best, best_value, part = None, -np.inf, part + 1
        value = _value(frame, index, part, total / parts, sampling)
        if value > best_value:
            best, best_value = frame, value
    if best is not None:
        yield best


def _value(frame: "VideoFrame", index: int, part: int, length: float, sampling: FrameSampling) -> float:
    """Of the frames of one part, the one where this is greatest is taken."""
    if sampling.choice == "sharpest":
        return sharpness(frame.to_ndarray(format="gray"))
    return -abs(index + 0.5 - (part + 0.5) * length)


def _as_shown(frame: "VideoFrame", pixel_aspect: Fraction | None) -> UInt8[np.ndarray, "h w 3"]:
    """RGB as players show it: they stretch pixels that are not square, and turn what a phone filmed
    upright by the angle it wrote down (degrees counterclockwise)."""
    width = round(frame.width * pixel_aspect) if pixel_aspect else frame.width
    rgb = frame.reformat(width=width, format="rgb24").to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, k=round(frame.rotation / 90)))


def _decode(container: "InputContainer", progress: Progress) -> "Iterator[VideoFrame]":
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    for frame in container.decode(stream):
        yield frame
        progress.advance()


def _count_frames(video: Path) -> int:
    """By its packets, without decoding: what a header says is a guess, or missing."""
    with _open(video) as container:
        count = sum(packet.size > 0 for packet in container.demux(container.streams.video[0]))
    if count == 0:
        raise InputError(f"{video}: the video has no frames; give another one")
    return count


@contextmanager
def _open(video: Path) -> "Iterator[InputContainer]":
    """The opened file, which has a stream of pictures. Raises InputError, also for what goes wrong inside
    the block."""
    try:
        import av
    except ImportError as error:
        raise InputError(f'{video}: videos need PyAV: pip install "av>=14"') from error
    if not video.is_file():
        raise InputError(f"{video}: no such video")
    try:
        with av.open(str(video)) as container:
            if not container.streams.video:
                raise InputError(f"{video}: has no pictures; give a video or a folder of photos")
            yield container
    except av.error.FFmpegError as error:
        raise InputError(
            f"{video}: cannot be decoded ({error.strerror}); give another video or a folder of photos"
        ) from error
