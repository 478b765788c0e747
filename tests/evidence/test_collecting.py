import numpy as np
import pytest

from dust3r_sfm.evidence import Evidence, EvidenceConfig, evidence_from_predictions
from dust3r_sfm.types import Correspondences, Pair, PairPrediction, View

HEIGHT, WIDTH = 6, 8


def views(count: int, mask: np.ndarray | None = None) -> list[View]:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return [View(f"{k}.png", image, np.eye(3), (WIDTH, HEIGHT), mask=mask) for k in range(count)]


def predicted(pair: Pair, confidence: float = 3.0, matches: int = 0) -> PairPrediction:
    """Everything at depth 2 + i and, seen from there, 5 + j."""
    rows = np.arange(2.0 * matches).reshape(matches, 2)
    return PairPrediction(
        pair,
        np.full((HEIGHT, WIDTH, 3), 2.0 + pair.i),
        np.full((HEIGHT, WIDTH, 3), 5.0 + pair.j),
        np.full((HEIGHT, WIDTH), confidence),
        np.full((HEIGHT, WIDTH), confidence),
        Correspondences(rows, rows + 0.5, np.full(matches, 0.5)) if matches else None,
    )


def complete(count: int) -> list[Pair]:
    return [Pair(i, j) for i in range(count) for j in range(count) if i != j]


def read(evidence: Evidence, view: int, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    return evidence.maps.read((view, pair)).unpack()


def test_each_view_keeps_its_best_maps() -> None:
    confidence = {pair: 2.0 + pair.j + 0.1 * pair.i for pair in complete(5)}
    found = [predicted(pair, confidence[pair]) for pair in complete(5)]
    evidence = evidence_from_predictions(views(5), found, EvidenceConfig(kept_maps=2))
    assert evidence.kept[0] == (Pair(0, 4), Pair(0, 3))
    assert evidence.kept[4] == (Pair(4, 3), Pair(4, 2))
    depth, trust = read(evidence, 4, Pair(4, 3))
    assert depth.shape == (HEIGHT, WIDTH, 1)
    np.testing.assert_allclose(depth, 6.0, rtol=1e-3)
    np.testing.assert_allclose(trust, confidence[Pair(4, 3)], rtol=1e-3)


def test_one_direction_alone_gives_points_of_its_second_view() -> None:
    evidence = evidence_from_predictions(views(2), [predicted(Pair(0, 1))])
    points, _ = read(evidence, 1, Pair(0, 1))
    assert points.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(points, 6.0, rtol=1e-3)


def test_places_left_over_go_to_the_other_direction() -> None:
    """A view with few partners keeps both, in case alignment finds one of them wrong."""
    found = [predicted(pair) for pair in complete(2)]
    evidence = evidence_from_predictions(views(2), found)
    assert evidence.kept == {0: (Pair(0, 1), Pair(1, 0)), 1: (Pair(1, 0), Pair(0, 1))}


@pytest.mark.parametrize("nothing", [np.nan, np.inf])
def test_unknown_and_masked_pixels_are_not_kept(nothing: float) -> None:
    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[:2] = False
    prediction = predicted(Pair(0, 1))
    prediction.points_i[2] = nothing
    prediction.points_i[3, :, 2] = -1.0
    prediction.confidence_i[4] = 1.0
    evidence = evidence_from_predictions(views(2, mask), [prediction])
    depth, trust = read(evidence, 0, Pair(0, 1))
    assert not depth[:5].any()
    assert (trust[:5] == 1.0).all()
    assert (depth[5] > 0).all()
    assert (evidence.summaries[0].weights_i > 0).sum() == WIDTH
    assert (evidence.summaries[0].weights_j > 0).sum() == 4 * WIDTH


def test_a_pair_that_knows_nothing_keeps_no_map() -> None:
    evidence = evidence_from_predictions(views(2), [predicted(Pair(0, 1), confidence=1.0)])
    assert not any(evidence.kept.values())


def test_many_correspondences_are_thinned_and_all_are_counted() -> None:
    config = EvidenceConfig(max_correspondences=5, matches=3)
    found = [predicted(Pair(0, 1), matches=21), predicted(Pair(1, 0))]
    evidence = evidence_from_predictions(views(2), found, config)
    assert set(evidence.correspondences) == {Pair(0, 1)}
    kept = evidence.correspondences[Pair(0, 1)]
    assert len(kept) == 5
    np.testing.assert_array_equal(kept.pixels_j, kept.pixels_i + 0.5)
    assert kept.pixels_i.dtype == kept.weights.dtype == np.float32
    assert [s.num_correspondences for s in evidence.summaries] == [21, 0]
    assert len(evidence.summaries[0].matches) == 3
