"""The options of `dust3r-sfm demo`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dust3r_sfm.cli.options.choices import DeviceChoice, NamedChoices
from dust3r_sfm.cli.options.library import option
from dust3r_sfm.pipeline.choices import RunChoices

DEMO_HELP = """Open a page in the browser that takes photos or a video, and shows what comes of them.

examples:
  dust3r-sfm demo
  dust3r-sfm demo --model-name mast3r --device cuda
  dust3r-sfm demo --local-network --server-port 7860      (for others in the same network)

It needs pip install 'dust3r-sfm[demo]'. On a machine elsewhere, keep the address and forward the port:
ssh -L 7860:127.0.0.1:7860 MACHINE.

exit codes:
  2 unusable options, or what it needs is not installed     3 the port or --tmp-dir cannot be had
  130 stopped by Ctrl-C, 143 by SIGTERM"""

_Optional = tyro.conf.arg


@dataclass(frozen=True)
class RunDemo:
    weights: Annotated[Path | None, _Optional(metavar="PATH", help_behavior_hint="")] = None
    """Weights of a network, to be used unless the page says otherwise."""
    model_name: Annotated[str | None, _Optional(metavar="NAME", help_behavior_hint="")] = None
    """The same by name: one that dust3r-sfm models lists, or what its authors call it."""
    image_size: Annotated[Literal[512, 224] | None, _Optional(help_behavior_hint="")] = None
    """Longer side of the network's images. 224 without a name: dust3r-224."""
    device: Annotated[DeviceChoice, option(NamedChoices, "device")] = NamedChoices.device
    server_name: Annotated[str | None, _Optional(metavar="ADDRESS", help_behavior_hint="")] = None
    """Address to listen on. Default: 127.0.0.1. Another one lets others see and use the page."""
    server_port: Annotated[int | None, _Optional(metavar="N", help_behavior_hint="")] = None
    """Port to listen on; 0: any. Default: 7860, or the next that is free."""
    local_network: bool = False
    """Listen on 0.0.0.0: everybody who reaches this machine sees and uses the page."""
    tmp_dir: Annotated[Path | None, _Optional(metavar="DIR", help_behavior_hint="")] = None
    """Where photos and results lie meanwhile. Default: where the system has temporary files."""
    max_memory: Annotated[float | None, option(RunChoices, "max_memory_gib", "GIB")] = (
        RunChoices.max_memory_gib
    )
    silent: bool = False
    """Say nothing but where the page is."""
