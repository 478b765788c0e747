"""Gaussians to start gsplat from: `python examples/splat_gsplat.py OUT START.pt`.

OUT was written by `dust3r-sfm reconstruct`. START.pt holds what `gsplat.rasterization` takes; its cameras are
those of `view.image`, the photos at 512 pixels:

    import torch, gsplat
    start = torch.load("START.pt", weights_only=True)
    images, alphas, info = gsplat.rasterization(
        start["means"], start["quats"], start["log_scales"].exp(), start["logit_opacities"].sigmoid(),
        start["sh0"], start["viewmats"], start["Ks"], width, height, sh_degree=0)

gsplat's own trainer, examples/simple_trainer.py, needs no such file. It reads the folder that
`dust3r-sfm export OUT --format colmap --output DATASET` writes.
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from dust3r_sfm import Scene, fuse_points, load_scene
from dust3r_sfm.dense import CloudFusionConfig

SH_OF_GREY = 0.5 / math.sqrt(math.pi)  # The constant spherical harmonic: colour = 0.5 + SH_OF_GREY * sh0.


def gaussians(scene: Scene, count: int = 200_000) -> dict[str, torch.Tensor]:
    """One Gaussian a point that at least two views agree on, as large as the gaps between them."""
    cloud = fuse_points(scene, CloudFusionConfig(min_views=2, max_points=count))
    gaps, _ = cKDTree(cloud.xyz).query(cloud.xyz, k=4)
    scales = np.repeat(np.maximum(gaps[:, 1:].mean(axis=1), 1e-7)[:, None], 3, axis=1)
    arrays = {
        "means": cloud.xyz,
        "log_scales": np.log(scales),
        "quats": np.tile([1.0, 0.0, 0.0, 0.0], (len(cloud), 1)),
        "logit_opacities": np.full(len(cloud), math.log(0.1 / 0.9)),
        "sh0": ((cloud.rgb / 255.0 - 0.5) / SH_OF_GREY)[:, None, :],
        "viewmats": scene.cam_from_world,
        "Ks": np.stack([camera.matrix for camera in scene.cameras]),
    }
    return {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}


if __name__ == "__main__":
    torch.save(gaussians(load_scene(Path(sys.argv[1]))), sys.argv[2])
