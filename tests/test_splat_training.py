"""Gaussians trained on what we export: far better than with wrong poses, and no worse than on COLMAP's model.
For real photos see test_real_exports.py."""

from pathlib import Path

import pytest
import torch
from splat_scores import check, scores
from tiny_splats import draw

from dust3r_sfm.pipeline import reconstruct
from dust3r_sfm.synthetic.example import write_example


@pytest.mark.slow
def test_a_rendered_room(tmp_path: Path) -> None:
    photos = write_example(tmp_path / "example", count=8, width=480, height=360).images
    check(scores(reconstruct(photos), photos, ["02.jpg", "05.jpg"], tmp_path))


def test_one_gaussian_is_drawn_where_it_is_and_as_large_as_it_is() -> None:
    splats = {
        "means": torch.tensor([[0.1, 0.0, 2.0]]),
        "log_scales": torch.tensor([[0.1, 0.1, 0.1]]).log(),
        "turns": torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
        "colours": torch.logit(torch.tensor([[0.9, 0.5, 0.2]])),
        "opacities": torch.logit(torch.tensor([0.8])),
    }
    K = torch.tensor([[100.0, 0.0, 20.5], [0.0, 100.0, 15.5], [0.0, 0.0, 1.0]])
    drawn = draw(splats, K, torch.eye(4), 31, 41)
    assert drawn.shape == (31, 41, 3)
    # Its centre is on the middle of pixel (25, 15); there four fifths are its colour and one the grey behind.
    torch.testing.assert_close(drawn[15, 25], torch.tensor([0.82, 0.5, 0.26]), atol=1e-3, rtol=0)
    # Five pixels away is one sigma, widened by the smoothing (and a little by perspective).
    sigma2 = (100 * 0.1 / 2) ** 2 + 0.3
    beside = 0.5 + 0.4 * 0.8 * torch.exp(torch.tensor(-0.5 * 25 / sigma2))
    assert drawn[15, 30, 0].item() == pytest.approx(beside.item(), abs=5e-3)
    assert drawn[0, 0].tolist() == [0.5, 0.5, 0.5]
