"""dust3r_sfm in the place of hloc's `localize_sfm`: the same files in and out."""

from dust3r_sfm_hloc.localize import main

__all__ = ["main"]
