"""The commands and their options, as tyro reads them. Nothing heavy is imported: --help is quick."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dust3r_sfm.cli.export_options import EXPORT_HELP, Export

_PAIRS_HELP = (
    "Which photos are compared. auto: all with all up to 40 photos, beyond that neighbours in the order "
    "they were taken. retrieval: each with the 8 that look most like it, whatever their order. swin, logwin: "
    "only neighbours (add -noncyclic if the last does not meet the first). FILE: two photo names a line."
)
_REGRESSOR_HELP = (
    "What measures a pair. stereo: embedded, needs no download. mast3r, dust3r, ...: networks, see "
    "dust3r-sfm models. PATH: of a network's weights. auto: the best whose weights are on this machine."
)
_RECONSTRUCT_HELP = """Turn a folder of photos into cameras, depth and a COLMAP model.

examples:
  dust3r-sfm reconstruct photos/ out/
  dust3r-sfm reconstruct frames/ out/ --pairs swin-5-noncyclic --cameras shared
  dust3r-sfm reconstruct photos/ out/ --resume      (after an interrupted run)

exit codes:
  0 a model was written     2 unusable photos or options     3 unusable output folder
  4 no model came out       5 a model was written that is weak: see its verdict
  130 stopped by Ctrl-C
  1 the system gave up (full disk, memory)"""

_LOCALIZE_HELP = """Say where new photos were taken, against photos whose cameras are known.

examples:
  dust3r-sfm localize out/ new_photos/ --output poses.txt
  dust3r-sfm localize model/ queries.txt --images images/ --intrinsics cameras.txt --output poses.txt
  dust3r-sfm localize out/ new_photos/ --output poses.txt --add-to-model out/sparse/with_new --json facts.json
  dust3r-sfm localize out/                           (only prepares)

exit codes:
  0 at least one photo was localized     2 unusable references, photos or options
  3 unusable output     4 no photo was localized     130 stopped by Ctrl-C
  1 the system gave up (full disk, memory)"""

Grouped = tyro.conf.OmitArgPrefixes


@dataclass(frozen=True)
class PhotoOptions:
    """What to take from the photos."""

    masks: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Folder of pictures named as the photos: black where a photo must not be used."""
    pairs: Annotated[
        str,
        tyro.conf.arg(metavar="auto|complete|retrieval-8|swin-5|logwin-3|oneref-0|FILE", help=_PAIRS_HELP),
    ] = "auto"
    cameras: Literal["auto", "shared", "per-folder", "per-image"] = "auto"
    """Which photos have one focal length. auto: those of equal size and EXIF camera."""
    sparing_above: Annotated[int, tyro.conf.arg(metavar="N")] = 100
    """With more photos than N, regressor stereo takes a third of the time: as good poses, but a third of the
    points in sparse/0. 0: always; a large N: never."""


@dataclass(frozen=True)
class KnownOptions:
    """What is known beforehand. Cameras and poses stay as they are; the rest is solved around them."""

    focal: Annotated[float | None, tyro.conf.arg(metavar="PX", help_behavior_hint="")] = None
    """Focal of every photo, in pixels of its file."""
    known_cameras: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """Cameras by photo name: a COLMAP model, or a file of lines NAME MODEL WIDTH HEIGHT PARAMS..."""
    known_poses: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """Poses by photo name, of some photos or all: a COLMAP model or a transforms.json."""
    positions: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Where cameras stand, lines NAME X Y Z: the model is moved there. Gross errors do not matter."""
    gps: bool = False
    """The same from the photos' EXIF: metres east, north and up of the first photo."""
    distance: Annotated[
        tuple[str, str, float] | None, tyro.conf.arg(metavar="NAME NAME LENGTH", help_behavior_hint="")
    ] = None
    """How far apart the cameras of two photos are: the size of the model."""


@dataclass(frozen=True)
class ComputeOptions:
    """What to compute with."""

    regressor: Annotated[
        str, tyro.conf.arg(metavar="auto|stereo|mast3r|dust3r|...|PATH", help=_REGRESSOR_HELP)
    ] = "auto"
    features: Literal["auto", "sift", "aliked"] = "auto"
    """What stereo matches. auto: learned features (aliked) where SIFT's fall short, if they are installed.
    aliked: those of every pair as well."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it computes. auto: networks on a GPU if there is one, stereo on the CPU."""
    dtype: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Numbers a network computes with. The 16-bit ones need less memory, and on a GPU far less time."""
    batch_size: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: automatic)")
    ] = None
    """Pairs that go through a network at once."""
    compile: bool = False
    """Compile the network first: takes a minute or more, and is meant for GPUs."""
    seed: int = 0
    """The same photos, options and seed give the same model."""


@dataclass(frozen=True)
class SolvingOptions:
    """How pairs become one scene."""

    alignment: Literal["solved", "gradient"] = "solved"
    """gradient: the published descent, which believes every pair; slow, for few photos, to compare."""
    max_memory: Annotated[
        float | None, tyro.conf.arg(metavar="GIB", help_behavior_hint="(default: the machine's)")
    ] = None
    """Refuse a run that would take more; keep more on disk where that helps."""


@dataclass(frozen=True)
class OutputOptions:
    """What becomes of the output folder."""

    max_points: Annotated[int | Literal["all"], tyro.conf.arg(metavar="N|all")] = 100_000
    """Most points of the COLMAP model."""
    overwrite: bool = False
    """Replace the results in OUT, once the new ones are complete."""
    resume: bool = False
    """Continue the run in OUT that was interrupted."""
    keep_work: bool = False
    """Keep what was computed for each pair, in OUT/.work."""
    quiet: bool = False
    """No progress on stderr."""


@dataclass(frozen=True)
class Reconstruct:
    photos: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="PHOTOS")]
    """Folder of photos; its sub-folders are read too."""
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """Folder for the results: sparse/0, points.ply, scene.glb, depth/, scene.npz, report.json."""
    photo: Annotated[PhotoOptions, Grouped] = field(default_factory=PhotoOptions)
    known: Annotated[KnownOptions, Grouped] = field(default_factory=KnownOptions)
    compute: Annotated[ComputeOptions, Grouped] = field(default_factory=ComputeOptions)
    solving: Annotated[SolvingOptions, Grouped] = field(default_factory=SolvingOptions)
    output: Annotated[OutputOptions, Grouped] = field(default_factory=OutputOptions)


_Path = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
_Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]


@dataclass(frozen=True)
class ReferenceOptions:
    """What is known beforehand."""

    images: _Folder = None
    """Where the reference photos are, if not beside the model."""
    intrinsics: _Path = None
    """Cameras of the new photos: lines NAME MODEL WIDTH HEIGHT PARAMS..., or COLMAP's cameras.txt. Without,
    a photo's focal is solved for, with EXIF as a prior."""
    prepare: _Folder = None
    """Where the prepared references are kept and found again. Default: .localization in REFERENCE."""


@dataclass(frozen=True)
class PlacingOptions:
    """How poses are found, and which are believed."""

    top_k: int = 5
    """How many references a photo is compared with, those that look most like it."""
    min_inliers: Annotated[int, tyro.conf.arg(metavar="N")] = 25
    """Fewest matches with 3D points that must agree on a pose."""
    max_error: Annotated[float, tyro.conf.arg(metavar="SHARE")] = 0.008
    """How far a match may be from where its point falls, as a share of the photo's long edge."""


@dataclass(frozen=True)
class PoseOutputs:
    """What to write. Existing files are replaced."""

    output: _Path = None
    """The poses: lines name qw qx qy qz tx ty tz (cam_from_world, COLMAP's axes)."""
    json: _Path = None
    """Cameras, poses, inliers and uncertainty of every photo, and why some have no pose."""
    add_to_model: _Folder = None
    """A new COLMAP model: the references', with the localized photos and what they see."""
    pictures: _Folder = None
    """A picture of each photo beside its best reference, with their matches."""
    quiet: bool = False
    """No progress on stderr."""


@dataclass(frozen=True)
class Localize:
    reference: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="REFERENCE")]
    """A folder that `reconstruct` wrote, a COLMAP model with its photos, or a transforms.json."""
    queries: Annotated[
        tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="QUERIES", help_behavior_hint="")
    ] = None
    """Folder of photos, one photo, or a text file with a path (and perhaps a camera) a line."""
    known: Annotated[ReferenceOptions, Grouped] = field(default_factory=ReferenceOptions)
    placing: Annotated[PlacingOptions, Grouped] = field(default_factory=PlacingOptions)
    compute: Annotated[ComputeOptions, Grouped] = field(default_factory=ComputeOptions)
    files: Annotated[PoseOutputs, Grouped] = field(default_factory=PoseOutputs)


@dataclass(frozen=True)
class Example:
    """Write rendered photos of a made-up place, with their true poses, to try things on."""

    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """Folder to make."""
    count: int = 8
    """How many photos."""
    width: int = 640
    """Of each photo, in pixels; the height is three quarters of it."""
    seed: int = 0
    """Another number is another place."""


@dataclass(frozen=True)
class Evaluate:
    """Compare poses with true ones: of a reconstruction (RRA, RTA, mAA, ATE after one similarity), or of
    localized photos, which are in the truth's own world (median cm and degrees, recalls)."""

    estimate: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="ESTIMATE")]
    """A COLMAP model or the OUT of reconstruct; or a poses file, name qw qx qy qz tx ty tz a line."""
    truth: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="TRUTH")]
    """COLMAP model with the true poses. Photos are matched by name."""
    localization: bool = False
    """Score the photos of a model as localized ones. A poses file always is."""
    queries: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Names of the photos that were to be localized, one a line; else all of TRUTH."""
    unit_cm: float = 100.0
    """Centimetres in one unit of TRUTH: 100 where it is in metres."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Where to write all figures."""


@dataclass(frozen=True)
class Models:
    """List the networks that can be had by name: size, licence, and whether they are on this machine."""


@dataclass(frozen=True)
class Version:
    """Print the versions of this program and of what it computes with."""


Command = (
    Annotated[Reconstruct, tyro.conf.subcommand("reconstruct", description=_RECONSTRUCT_HELP)]
    | Annotated[Export, tyro.conf.subcommand("export", description=EXPORT_HELP)]
    | Annotated[Localize, tyro.conf.subcommand("localize", description=_LOCALIZE_HELP)]
    | Annotated[Example, tyro.conf.subcommand("example")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Models, tyro.conf.subcommand("models")]
    | Annotated[Version, tyro.conf.subcommand("version")]
)


def parse(argv: list[str] | None) -> Reconstruct | Export | Localize | Example | Evaluate | Models | Version:
    """Ends the process with code 0 after --help and 2 after what cannot be parsed."""
    command: Reconstruct | Export | Localize | Example | Evaluate | Models | Version = tyro.cli(
        Command,
        prog="dust3r-sfm",
        description="Photos in, cameras and points out: no calibration, no poses needed.",
        args=argv,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    return command
