"""The commands and their options, as tyro reads them."""

from dust3r_sfm.cli.options.compute import ComputeOptions
from dust3r_sfm.cli.options.demo import RunDemo
from dust3r_sfm.cli.options.export import Export, Format
from dust3r_sfm.cli.options.frames import TakeFrames
from dust3r_sfm.cli.options.localize import Localize
from dust3r_sfm.cli.options.parsing import AnyCommand, Command, Evaluate, Example, Models, Version, parse
from dust3r_sfm.cli.options.reconstruct import Reconstruct
from dust3r_sfm.cli.options.view import ViewResult

__all__ = [
    "AnyCommand",
    "Command",
    "ComputeOptions",
    "Evaluate",
    "Example",
    "Export",
    "Format",
    "Localize",
    "Models",
    "Reconstruct",
    "RunDemo",
    "TakeFrames",
    "Version",
    "ViewResult",
    "parse",
]
