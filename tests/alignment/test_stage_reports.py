"""What each stage of alignment says of itself."""

import pytest

from dust3r_sfm.alignment import AlignmentConfig, align
from dust3r_sfm.evidence import EvidenceConfig, evidence_from_predictions
from dust3r_sfm.progress import Silent
from dust3r_sfm.synthetic.predictions import synthetic_predictions

SOLVED = ["rotation averaging", "scale averaging", "position averaging", "averaged cameras", "refinement"]
ADJUSTED = ["tracks of the aligned cameras", "bundle adjustment"]


def noisy_stages(scenes, config, matches):
    """Pointmaps with 2 % noise; matches that are exact, so that tracks know better than they."""
    truth = scenes.arc([scenes.camera()] * 5)
    predictions = synthetic_predictions(
        truth.depths,
        truth.cameras,
        truth.cam_from_world,
        scenes.all_pairs(range(5)),
        noise=0.02,
        outlier_fraction=0.03,
        max_correspondences=matches,
        seed=3,
    )
    evidence = evidence_from_predictions(truth.views, predictions, EvidenceConfig(samples=256))
    (scene,) = align(truth.views, evidence, config, Silent()).scenes
    return scene.report.stages


def test_error_and_objective_fall_from_stage_to_stage(scenes):
    stages = noisy_stages(scenes, AlignmentConfig(), matches=600)
    names = [stage.name for stage in stages]
    # The last one is kept, and told, where it gains anything at all.
    assert names[:7] == SOLVED + ADJUSTED
    assert set(names[7:]) <= {"bundle adjustment to the end"}
    for before, after in (stages[3:5], stages[5:7]):
        assert before.unit == after.unit
        assert after.objective < before.objective
        assert after.median_residual < before.median_residual
    assert stages[0].unit == "degrees"
    assert 0 < stages[0].median_residual < 2
    assert 0 < stages[1].median_residual < 0.02
    assert 0 < stages[2].median_residual < 0.2


def test_the_same_run_says_the_same(scenes):
    config = AlignmentConfig(bundle=None, seed=1)
    first, second = (noisy_stages(scenes, config, matches=0) for _ in range(2))
    assert first == second
    assert [stage.name for stage in first] == SOLVED
    assert first[4].median_residual == pytest.approx(first[3].median_residual, rel=0.5)
