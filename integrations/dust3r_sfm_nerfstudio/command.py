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
    """Path to the eval data, a folder or a video, posed with the others. Train with --eval-mode filename."""
    verbose: bool = False
    """If True, print extra logging."""

    num_downscales: int = 3
    """Number of times to downscale the images, by 2 each time. For example 3 gives them at 2x, 4x, and 8x."""
    skip_image_processing: bool = False
    """If True, photos stay where and as they are: no smaller copies, no depth maps, no masks."""
    num_frames_target: int = 300
    """Target number of frames to use of a video."""
    frame_choice: Literal["sharpest", "even"] = "sharpest"
    """Of each of as many equal parts of the video, its sharpest frame or its middle one."""
    camera_type: Literal["pinhole", "perspective"] = "pinhole"
    """Camera model. pinhole: images are undistorted, as splats need it. perspective: they keep the lens."""
    depth: bool = True
    """Write depth maps, for methods that are supervised with depth."""
    max_points: Annotated[int | Literal["all"], tyro.conf.arg(metavar="N|all")] = 100_000
    """Most points of sparse_pc.ply and of the COLMAP model."""

    regressor: Annotated[str, tyro.conf.arg(metavar="auto|stereo|mast3r|dust3r|...|PATH")] = "auto"
    """What measures a pair. stereo: embedded. Networks: see `dust3r-sfm models`. auto: the best one here."""
    pairs: Annotated[
        str, tyro.conf.arg(metavar="auto|complete|retrieval-8|swin-5|logwin-3|oneref-0|FILE")
    ] = "auto"
    """Photos to compare. auto: all, or of over 40 neighbours in order. retrieval: those that look alike."""
    cameras: Literal["auto", "shared", "per-folder", "per-image"] = "auto"
    """Which photos have one focal length. auto: those of equal size and EXIF camera."""
    focal_px: float | None = None
    """The focal length of all photos in pixels, where it is known."""
    known_cameras: Path | None = None
    """Cameras by photo name: a COLMAP model, or a file of lines NAME MODEL WIDTH HEIGHT PARAMS..."""
    masks: Path | None = None
    """Folder of pictures named as the photos: black where a photo must not be used."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it computes. auto: networks on a GPU if there is one, stereo on the CPU."""
    dtype: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Numbers a network computes with. The 16-bit ones need less memory."""
    batch_size: int | None = None
    """Pairs that go through a network at once."""
    alignment: Literal["solved", "gradient"] = "solved"
    """How pairs become one scene. gradient: the published descent; slow, for few photos, to compare."""
    max_memory: float | None = None
    """Refuse a run that would take more GiB than this; None for what the machine has."""
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
