"""`ns-process-data dust3r`, as nerfstudio's command and our own script start it."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union

import tyro

from dust3r_sfm_nerfstudio.options import ProcessOptions

DESCRIPTION = (
    "Find the cameras of photos or of a video with dust3r_sfm, and write a nerfstudio dataset: images and "
    "smaller copies, masks, depth maps, transforms.json, a point cloud and a COLMAP model. Needs neither "
    "COLMAP nor ffmpeg."
)


@dataclass(frozen=True)
class ProcessDust3r(ProcessOptions):
    def main(self) -> None:
        """Processes the data; what the user can mend ends the process with one line and an exit code."""
        from dust3r_sfm.cli.interruption import run_interruptibly

        code = run_interruptibly(self._run)
        if code:
            sys.exit(code)

    def _run(self) -> int:
        from dust3r_sfm.cli.interruption import without_their_handlers

        # Imported here: it takes seconds, which other commands and --help need not wait for.
        with without_their_handlers():
            import pycolmap  # noqa: F401
            import torch  # noqa: F401
        from dust3r_sfm_nerfstudio.running import run

        return run(self, shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))


def with_dust3r(commands: Any) -> Any:
    """nerfstudio's union of commands, and ours."""
    # With | instead of Union[] tyro would not see the annotations of a single command.
    return Union[commands, Annotated[ProcessDust3r, tyro.conf.subcommand("dust3r", description=DESCRIPTION)]]  # noqa: UP007
