"""The scenes without presets on which the published alignment was measured: maps of 32 x 24 with 1 % noise
and 3 % outliers (see the README beside them)."""

import json
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.alignment import AlignmentConfig, align
from dust3r_sfm.evidence import evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, transform_points
from dust3r_sfm.geometry.procrustes import umeyama
from dust3r_sfm.progress import Silent
from dust3r_sfm.types import Pair, PairPrediction, View

PARITY = Path(__file__).parents[2].parent / "shared" / "parity"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not PARITY.is_dir(), reason="the parity data is not beside the repository"),
]


def load(name):
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


@pytest.mark.parametrize(
    ("name", "ate_target"),
    [
        ("n6_complete", 0.005),
        ("n5_l2_sqrtconf_adaptors", 0.006),
        ("n6_mixed_shapes", 0.006),
        ("n6_swin1_onesided", 0.015),
    ],
)
def test_error_relative_to_extent(name, ate_target):
    views, predictions, true, focals = load(name)
    evidence = evidence_from_predictions(views, predictions)
    (scene,) = align(views, evidence, AlignmentConfig(cameras="per_image"), Silent()).scenes
    assert len(scene.views) == len(views)
    found, wanted = invert_rigid(scene.cam_from_world)[:, :3, 3], invert_rigid(true)[:, :3, 3]
    moved = transform_points(umeyama(found, wanted, np.ones(len(found))), found)
    published = json.loads((PARITY / f"ga_{name}.json").read_text())["final_metrics"]
    extent = published["ATE_sim3"] / published["ATE_rel_to_extent"]
    ate = np.sqrt(((moved - wanted) ** 2).sum(axis=1).mean()) / extent
    assert ate < ate_target
    assert ate < published["ATE_rel_to_extent"]
    np.testing.assert_allclose([camera.fx for camera in scene.cameras], focals, rtol=2e-3)
