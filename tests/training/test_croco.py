"""Cross-view completion: shapes, what the loss looks at, and that learning lowers it."""

from dataclasses import replace

import pytest
import torch
from small_networks import DPT, random_images, random_network

from dust3r_sfm.networks.config import CrocoConfig
from dust3r_sfm.training.croco import Croco, completion_loss, patch_pixels, random_mask

CONFIG = CrocoConfig(
    long_edge=64,
    enc_embed_dim=32,
    enc_depth=2,
    enc_num_heads=2,
    dec_embed_dim=24,
    dec_depth=3,
    dec_num_heads=2,
    mask_ratio=0.7,
)
GRID = (3, 4)


@pytest.fixture(params=["cross", "cat"])
def network(request):
    torch.manual_seed(0)
    return Croco(replace(CONFIG, decoder=request.param))


@pytest.fixture
def mask():
    return random_mask(2, GRID, CONFIG.mask_ratio, torch.Generator().manual_seed(0))


IMAGES, REFERENCES = random_images(2, 48, 64, seed=1), random_images(2, 48, 64, seed=2)


def test_every_patch_is_predicted(network, mask):
    assert network(IMAGES, REFERENCES, mask).shape == (2, 12, 3 * 16 * 16)


def shown(images, patches):
    """Images with the marked patches in another colour."""
    pixels = patches.unflatten(1, GRID).repeat_interleave(16, 1).repeat_interleave(16, 2)
    return torch.where(pixels[:, None], 0.5, images)


def test_hidden_patches_are_not_seen_but_visible_ones_and_the_reference_are(network, mask):
    with torch.no_grad():
        predicted = network(IMAGES, REFERENCES, mask)
        assert torch.equal(network(shown(IMAGES, mask), REFERENCES, mask), predicted)
        assert not torch.allclose(network(shown(IMAGES, ~mask), REFERENCES, mask), predicted)
        assert not torch.allclose(network(IMAGES, REFERENCES.flip(3), mask), predicted)


def test_visible_tokens_stand_where_their_patches_are(mask):
    torch.manual_seed(0)
    network = Croco(CONFIG)
    seen = []
    network.dec_blocks[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network(IMAGES, REFERENCES, mask)
    is_mask_token = (seen[0] == network.mask_token).all(dim=-1)
    assert torch.equal(is_mask_token, mask)


def test_loss_looks_at_hidden_patches_alone(mask):
    predicted = torch.randn(2, 12, 768, generator=torch.Generator().manual_seed(0))
    loss = completion_loss(predicted, IMAGES, mask, 16)
    elsewhere = torch.where(mask[..., None], predicted, 100.0)
    assert torch.equal(completion_loss(elsewhere, shown(IMAGES, ~mask), mask, 16), loss)
    assert completion_loss(predicted + mask[..., None], IMAGES, mask, 16) != loss


def test_loss_of_known_predictions(mask):
    """0 for the normalised patches whatever their brightness and contrast, about 1 for their mean."""
    pixels = patch_pixels(IMAGES, 16)
    normalised = (pixels - pixels.mean(-1, keepdim=True)) / pixels.std(-1, keepdim=True)
    brighter = 0.3 * IMAGES + 0.4
    assert completion_loss(normalised, brighter, mask, 16).item() == pytest.approx(0, abs=1e-6)
    flat = completion_loss(torch.zeros_like(pixels), IMAGES, mask, 16).item()
    assert flat == pytest.approx(767 / 768, abs=1e-4)


def test_pixels_of_a_patch():
    pixels = patch_pixels(IMAGES, 16)
    row, column = 1, 2
    patch = IMAGES[0, :, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
    assert torch.equal(pixels[0, row * GRID[1] + column], patch.permute(1, 2, 0).flatten())


def test_masks_are_random_and_repeatable():
    masks = [random_mask(64, GRID, 0.7, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    assert (masks[0].sum(dim=1) == 8).all()
    assert masks[0].float().mean(dim=0).sub(8 / 12).abs().max() < 0.25
    assert (random_mask(3, (1, 2), 0.99, torch.Generator()).sum(dim=1) == 1).all()


def test_steps_lower_the_loss(network, mask):
    parameters, losses = list(network.parameters()), []
    for _ in range(15):
        loss = completion_loss(network(IMAGES, REFERENCES, mask), IMAGES, mask, 16)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= 3e-3 * gradient.sign()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_weights_are_what_dust3r_starts_from(network):
    target = random_network(DPT)
    pretrained = {key: value for key, value in network.state_dict().items() if key in target.state_dict()}
    encoder = {key for key in target.state_dict() if key.startswith(("patch_embed.", "enc_"))}
    assert encoder <= set(pretrained)
    if network.config.decoder == "cross":
        decoder = {
            key for key in target.state_dict() if key.startswith(("dec_blocks.", "dec_norm.", "mask_"))
        }
        assert decoder <= set(pretrained)
        target.load_state_dict(pretrained, strict=False)
        with torch.no_grad():
            torch.testing.assert_close(target.encode(IMAGES), network.encode(IMAGES))
    if network.config.decoder == "cross":
        decoder = {key for key in target.state_dict() if key.startswith(("decoder_", "dec_", "mask_"))}
        assert {key for key in decoder if "dec_blocks2" not in key} <= set(pretrained)
