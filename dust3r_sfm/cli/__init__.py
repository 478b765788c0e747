"""The `dust3r-sfm` command: results on stdout, everything else on stderr."""

from dust3r_sfm.cli.main import main

__all__ = ["main"]
