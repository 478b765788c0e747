"""All commands, and how their options are read. Nothing heavy is imported: --help is quick."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from dust3r_sfm.cli.options.demo import DEMO_HELP, RunDemo
from dust3r_sfm.cli.options.export import EXPORT_HELP, Export
from dust3r_sfm.cli.options.frames import TakeFrames
from dust3r_sfm.cli.options.localize import LOCALIZE_HELP, Localize
from dust3r_sfm.cli.options.reconstruct import RECONSTRUCT_HELP, Reconstruct
from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.cli.options.view import VIEW_HELP, ViewResult

DESCRIPTION = """Photos in, cameras and points out: no calibration, no poses needed.

exit codes of all commands:
  0 done     2 unusable photos, files or options     3 unusable output
  4 nothing came out     5 a model was written that is weak
  1 the system gave up (full disk, memory)     130 stopped by Ctrl-C, 143 by SIGTERM"""


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
    reporting: Annotated[ReportingOptions, tyro.conf.OmitArgPrefixes] = field(
        default_factory=ReportingOptions
    )


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
    reporting: Annotated[ReportingOptions, tyro.conf.OmitArgPrefixes] = field(
        default_factory=ReportingOptions
    )


@dataclass(frozen=True)
class Models:
    """List the networks that can be had by name: size, licence, and whether they are on this machine."""


@dataclass(frozen=True)
class Version:
    """Print the versions of this program and of what it computes with."""


Command = (
    Annotated[Reconstruct, tyro.conf.subcommand("reconstruct", description=RECONSTRUCT_HELP)]
    | Annotated[Export, tyro.conf.subcommand("export", description=EXPORT_HELP)]
    | Annotated[Localize, tyro.conf.subcommand("localize", description=LOCALIZE_HELP)]
    | Annotated[ViewResult, tyro.conf.subcommand("view", description=VIEW_HELP)]
    | Annotated[RunDemo, tyro.conf.subcommand("demo", description=DEMO_HELP)]
    | Annotated[TakeFrames, tyro.conf.subcommand("frames")]
    | Annotated[Example, tyro.conf.subcommand("example")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Models, tyro.conf.subcommand("models")]
    | Annotated[Version, tyro.conf.subcommand("version")]
)


AnyCommand = (
    Reconstruct
    | Export
    | Localize
    | ViewResult
    | RunDemo
    | TakeFrames
    | Example
    | Evaluate
    | Models
    | Version
)


def parse(argv: list[str] | None) -> AnyCommand:
    """Ends the process with code 0 after --help and 2 after what cannot be parsed."""
    command: AnyCommand = tyro.cli(
        Command,
        prog="dust3r-sfm",
        description=DESCRIPTION,
        args=argv,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    return command
