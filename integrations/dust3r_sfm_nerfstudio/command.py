"""`ns-process-data dust3r`: its options, as tyro reads them. Nothing heavy is imported: --help is quick."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import tyro

DESCRIPTION = (
    "Find the cameras of photos or of a video with dust3r_sfm, and write a nerfstudio dataset: images and "
    "smaller copies, masks, depth maps, transforms.json, a point cloud and a COLMAP model. Needs neither "
    "COLMAP nor ffmpeg."
)


# Field by field what nerfstudio's BaseConverterToNerfstudioDataset has, and not a subclass of it: so the
# same command runs where nerfstudio is not installed.
@dataclass
class ProcessDust3r:
    data: Path
    """Path to the data: a folder of photos (its sub-folders are read too) or a video file."""
    output_dir: Path
    """Path to the output directory."""
    eval_data: Path | None = None
    """Path to the eval data, a folder of photos or a video. Its cameras are found together with the others;
    train with --eval-mode filename. With --masks: a folder with a sub-folder for each of both."""
    verbose: bool = False
    """If True, print extra logging."""

    num_downscales: int = 3
    """Number of times to downscale the images. Downscales by 2 each time. For example a value of 3 will
    downscale the images by 2x, 4x, and 8x."""
    skip_image_processing: bool = False
    """If True, photos stay where and as they are: transforms.json names them there. No smaller copies, no
    depth maps, no masks."""
    num_frames_target: int = 300
    """Target number of frames to use of a video."""
    frame_choice: Literal["sharpest", "even"] = "sharpest"
    """Which frames: the sharpest of each of as many equal parts of the video, or its middle one."""
    camera_type: Literal["pinhole", "perspective"] = "pinhole"
    """Camera model of the images that are written. pinhole: they are undistorted, as splat trainers ask for.
    perspective: they keep the lens (OPENCV)."""
    depth: bool = True
    """Write depth maps, for methods that are supervised with depth."""
    max_points: int = 100_000
    """Most points of sparse_pc.ply and of the COLMAP model."""

    regressor: Annotated[str, tyro.conf.arg(metavar="auto|stereo|mast3r|dust3r|...|PATH")] = "auto"
    """What measures a pair of photos. stereo: embedded, needs no download. mast3r, dust3r, ...: networks, see
    `dust3r-sfm models`. PATH: of a network's weights. auto: the best whose weights are on this machine."""
    pairs: Annotated[
        str, tyro.conf.arg(metavar="auto|complete|retrieval-8|swin-5|logwin-3|oneref-0|FILE")
    ] = "auto"
    """Which photos are compared. auto: all with all up to 40 photos, beyond that neighbours in the order they
    were taken. retrieval: each with the 8 that look most like it. FILE: two photo names a line."""
    cameras: Literal["auto", "shared", "per-folder", "per-image"] = "auto"
    """Which photos have one focal length. auto: those of equal size and EXIF camera."""
    focal_px: float | None = None
    """The focal length of all photos in pixels, where it is known."""
    masks: Path | None = None
    """Folder of pictures named as the photos: black where a photo must not be used."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it computes. auto: networks on a GPU if there is one, stereo on the CPU."""
    dtype: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Numbers a network computes with. The 16-bit ones need less memory."""
    batch_size: int | None = None
    """Pairs that go through a network at once."""
    seed: int = 0
    """The same photos, options and seed give the same dataset."""
    overwrite: bool = False
    """Start anew where an interrupted run could be continued."""

    def main(self) -> None:
        """Processes the data; what the user can mend ends the process with one line and an exit code."""
        # Imported here: it takes seconds, which other commands and --help need not wait for.
        from dust3r_sfm_nerfstudio.running import run

        code = run(self)
        if code:
            sys.exit(code)


def with_dust3r(commands: Any) -> Any:
    """nerfstudio's union of commands, and ours."""
    # With | instead of Union[] tyro would not see the annotations of a single command.
    return Union[commands, Annotated[ProcessDust3r, tyro.conf.subcommand("dust3r", description=DESCRIPTION)]]  # noqa: UP007
