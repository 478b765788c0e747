"""Photos out of a video: frames spread over its length, upright, as lossless files."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_PNG_EFFORT = 3  # Half the default's time for a twentieth more bytes.


def sample_frames(
    video: Path,
    folder: Path,
    sampling: FrameSampling | None = None,
    progress: Progress | None = None,
    prefix: str = "frame_",
    say: Callable[[str], None] | None = None,
) -> tuple[Path, ...]:
    """Writes frames as `folder/<prefix>00001.png`, ... in the order they were taken, upright and with
    square pixels, and returns them. The same video and sampling give the same bytes.

    Of several streams the film is taken: the one with most packets that is no cover picture. What is damaged
    costs the frames that need it, and is told to `say`. One part's best frame is in memory at a time. Raises
    InputError for what PyAV cannot decode.
    """
    sampling, progress = sampling or FrameSampling(), progress or Silent()
    film = _film_in(video)
    progress.start("Reading video", film.packets, "frames")
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    with _open(video) as container:
        decoder = _Decoder(container, film, progress)
        aspect = decoder.stream.sample_aspect_ratio
        for frame in _choose(decoder.frames(), film.packets, sampling):
            paths.append(folder / f"{prefix}{len(paths) + 1:05d}.png")
            image = Image.fromarray(_as_shown(frame, aspect))
            image.save(paths[-1], compress_level=_PNG_EFFORT)
    if not paths:
        raise InputError(f"{video}: none of its {film.packets} frames can be decoded; give another video")
    if decoder.lost and say is not None:
        say(f"{video}: {decoder.lost} of {film.packets} frames are damaged, and left out")
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


@dataclass(frozen=True)
class _Film:
    """The number of a file's stream, and how many packets it has: about a frame each."""

    stream: int
    packets: int


def _film_in(video: Path) -> _Film:
    """By its packets, without decoding: what a header says of frames is a guess, or missing."""
    import av

    with _open(video) as container:
        cover = av.stream.Disposition.attached_pic
        films = [stream for stream in container.streams.video if not stream.disposition & cover]
        if not films:
            raise InputError(f"{video}: has a cover picture and no film; give another video")
        counts = Counter(packet.stream.index for packet in _demuxed(container, films) if packet.size)
    if not counts:
        raise InputError(f"{video}: the video has no frames; give another one")
    # The first of those with most: streams count from 0.
    return _Film(*max(counts.items(), key=lambda item: (item[1], -item[0])))


def _demuxed(container: "InputContainer", streams: "list[VideoStream]") -> "Iterator[Packet]":
    """As far as the file can be followed."""
    import av

    packets = container.demux(streams)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return
        if packet is None:
            return
        yield packet


class _Decoder:
    """Frames of a film, one after the other; `lost` counts those that could not be decoded, as far as the
    decoder notices."""

    def __init__(self, container: "InputContainer", film: _Film, progress: Progress) -> None:
        self._container, self._progress = container, progress
        self.stream = next(s for s in container.streams.video if s.index == film.stream)
        self.stream.thread_type = "AUTO"
        self.lost = 0

    def frames(self) -> "Iterator[VideoFrame]":
        for packet in _demuxed(self._container, [self.stream]):
            for frame in self._decoded(packet):
                # What a decoder made up for what it could not read is no picture of anything.
                if frame.is_corrupt:
                    self.lost += 1
                else:
                    yield frame
            self._progress.advance(1 if packet.size else 0)

    def _decoded(self, packet: "Packet") -> "list[VideoFrame]":
        import av

        try:
            return list(self.stream.decode(packet))
        except (av.error.FFmpegError, ValueError, MemoryError):
            self.lost += 1
            return []


@contextmanager
def _open(video: Path) -> "Iterator[InputContainer]":
    """The opened file, which has a stream of pictures. Raises InputError, also for what FFmpeg raises inside
    the block."""
    try:
        import av
    except ImportError as error:
        raise InputError(f'{video}: videos need PyAV: pip install "av>=14"') from error
    if not video.is_file():
        raise InputError(f"{video}: no such video")
    try:
        with av.open(str(video), metadata_errors="ignore") as container:
            if not container.streams.video:
                raise InputError(f"{video}: has no pictures; give a video or a folder of photos")
            yield container
    except av.error.FFmpegError as error:
        raise InputError(
            f"{video}: cannot be decoded ({error.strerror}); give another video or a folder of photos"
        ) from error
