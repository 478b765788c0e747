"""The scenes on which the published alignment was measured, as its README beside them describes."""

from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.types import Pair, PairPrediction, View

PARITY = Path(__file__).parents[2].parent / "shared" / "parity"
NEEDS_PARITY = [
    pytest.mark.realdata,
    pytest.mark.skipif(not PARITY.is_dir(), reason="the parity data is not beside the repository"),
]


def load(name):
    """Views, predictions, true cam_from_world and true focals."""
    stored = np.load(PARITY / f"ga_{name}_inputs.npz")

    def array(key, edge):
        return np.asarray(stored[key][edge] if key in stored else stored[f"{key}_{edge}"], np.float32)

    # Their pixels are the integer grid about (W/2, H/2): half a pixel off ours.
    shift = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    views = [
        View(f"{k}.png", np.zeros((h, w, 3), np.uint8), shift, (w, h))
        for k, (h, w) in enumerate(stored["shapes"].tolist())
    ]
    predictions = [
        PairPrediction(Pair(i, j), *(array(key, e) for key in ("pts1", "pts2", "conf1", "conf2")))
        for e, (i, j) in enumerate(stored["edges"].tolist())
    ]
    return views, predictions, invert_rigid(stored["true_c2w"]), stored["true_focals"]
