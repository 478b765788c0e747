"""The focal that a camera's pairs agree on, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.pairs.focals import FocalEvidenceConfig, focal_evidence
from dust3r_sfm.evidence import PairSummary
from dust3r_sfm.types import Correspondences, Pair, PairGeometry, View

CONFIG = FocalEvidenceConfig()
SYSTEMATIC, EXIF = CONFIG.systematic_spread**2, CONFIG.exif_spread**2
"""Variances that the pairs of a camera, and EXIF, are granted at least."""
LEAST = 1e-8
"""The same of one pair."""


def view(scale: float = 1.0, exif_focal_px: float | None = None) -> View:
    """Made `scale` times as large as its file of 400 x 300 pixels."""
    image = np.zeros((round(300 * scale), round(400 * scale), 3), np.uint8)
    return View("a.jpg", image, np.diag([scale, scale, 1.0]), (400, 300), exif_focal_px=exif_focal_px)


def says(i: int, focal: float | None, spread: float = 0.01) -> PairSummary:
    """A pair whose pointmap of view i shows this focal, in pixels of the view, with this relative spread."""
    nothing = np.zeros(1)
    return PairSummary(
        pair=Pair(i, 1000),
        geometry=PairGeometry.GENERAL,
        focal_i=focal,
        focal_spread_i=spread,
        depth_i=nothing,
        weights_i=nothing,
        points_j=np.zeros((1, 3)),
        weights_j=nothing,
        matches=Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)),
        match_depth_i=np.zeros(0),
        num_correspondences=0,
    )


def test_pairs_that_agree_know_the_focal_together() -> None:
    """Four pairs with a spread of 2 % each leave 1 %, and what all of them may err by in common."""
    found = focal_evidence([view()], [0], [says(0, 350.0, 0.02)] * 4, {}, CONFIG)
    assert found.log_focal[0] == pytest.approx(np.log(350.0))
    assert found.information[0] == pytest.approx(1.0 / ((0.02**2 + LEAST) / 4 + SYSTEMATIC))
    assert found.pull[0] == found.information[0]
    assert not found.given[0]


def test_of_three_pairs_one_may_lie() -> None:
    """The median is 360, and half the pairs are within log 360/350 of it. 1.4826 of that is a standard
    deviation: the pairs are believed to err by so much on top of what they say of themselves."""
    found = focal_evidence([view()], [0], [says(0, focal) for focal in (900.0, 350.0, 360.0)], {}, CONFIG)
    assert found.log_focal[0] == pytest.approx(np.log(360.0))
    spread = 1.4826 * np.log(360.0 / 350.0)
    expected = (0.01**2 + LEAST) / 3 + spread**2 / 3 + SYSTEMATIC
    assert found.information[0] == pytest.approx(1.0 / expected)


def test_a_sure_pair_outvotes_two_unsure_ones() -> None:
    """A median by information: 1 / .001^2 is more than twice 1 / .01^2."""
    pairs = [says(0, 300.0, 0.01), says(0, 310.0, 0.01), says(0, 350.0, 0.001)]
    assert focal_evidence([view()], [0], pairs, {}, CONFIG).log_focal[0] == pytest.approx(np.log(350.0))
    alike = [replace(pair, focal_spread_i=0.01) for pair in pairs]
    assert focal_evidence([view()], [0], alike, {}, CONFIG).log_focal[0] == pytest.approx(np.log(310.0))


def test_exif_pulls_by_its_information() -> None:
    """Two independent opinions: their mean weighted by inverse variances, whose sum is what both know. The
    pair errs twice as far as EXIF here, so that the focal ends four fifths of the way to EXIF's."""
    pairs = [says(0, 300.0, 0.3)]
    found = focal_evidence([view(exif_focal_px=400.0)], [0], pairs, {}, CONFIG)
    own, told = 1.0 / (0.3**2 + LEAST + SYSTEMATIC), 1.0 / EXIF
    mean = (own * np.log(300.0) + told * np.log(400.0)) / (own + told)
    assert found.log_focal[0] == pytest.approx(mean)
    assert found.information[0] == pytest.approx(own + told)
    way = (found.log_focal[0] - np.log(300.0)) / np.log(400.0 / 300.0)
    assert way == pytest.approx(0.8, abs=1e-4)


def test_exif_is_one_opinion_of_a_camera_however_many_views_repeat_it() -> None:
    views = [view(exif_focal_px=focal) for focal in (400.0, 400.0, 999.0)]
    found = focal_evidence(views, [0, 0, 0], [], {}, CONFIG)
    assert found.log_focal[0] == pytest.approx(np.log(400.0))
    assert found.information[0] == pytest.approx(1.0 / EXIF)


def test_nothing_is_known_of_a_camera_that_no_one_speaks_of() -> None:
    """A pair whose pointmap shows no focal says nothing."""
    found = focal_evidence([view()], [0], [says(0, None, np.inf)], {}, CONFIG)
    assert np.isnan(found.log_focal[0])
    assert found.information[0] == 0.0
    assert found.pull[0] == 0.0


def test_a_given_focal_is_exact_whatever_pairs_and_exif_say() -> None:
    """Its information is infinite. It does not pull, as it is not solved for."""
    views = [view(exif_focal_px=400.0), view(exif_focal_px=400.0)]
    found = focal_evidence(views, [0, 1], [says(0, 350.0), says(1, 350.0)], {1: np.log(500.0)}, CONFIG)
    assert found.log_focal[1] == np.log(500.0)
    assert found.information[1] == np.inf
    np.testing.assert_array_equal(found.given, [False, True])
    assert found.pull[1] == 0.0
    assert found.pull[0] > 0.0
    assert abs(found.log_focal[0] - np.log(350.0)) < 1e-3


def test_each_camera_has_its_own_pairs() -> None:
    """A pair tells of the camera of its view i only."""
    pairs = [says(0, 300.0), says(2, 300.0), says(1, 500.0)]
    found = focal_evidence([view()] * 3, [0, 1, 0], pairs, {}, CONFIG)
    np.testing.assert_allclose(found.log_focal, np.log([300.0, 500.0]))
    two, one = (1.0 / ((0.01**2 + LEAST) / count + SYSTEMATIC) for count in (2, 1))
    np.testing.assert_allclose(found.information, [two, one])


def test_views_of_one_camera_at_two_sizes_agree_in_pixels_of_their_files() -> None:
    """A focal of 150 at half size is one of 300, for pairs as for EXIF."""
    views = [view(), view(0.5)]
    found = focal_evidence(views, [0, 0], [says(0, 300.0), says(1, 150.0)], {}, CONFIG)
    assert found.log_focal[0] == pytest.approx(np.log(300.0))
    assert found.information[0] == pytest.approx(1.0 / ((0.01**2 + LEAST) / 2 + SYSTEMATIC))
    told = focal_evidence([view(0.5, exif_focal_px=150.0)], [0], [], {}, CONFIG)
    assert told.log_focal[0] == pytest.approx(np.log(300.0))
