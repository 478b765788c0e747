"""What only training needs: batches of both orientations, and CroCo, the networks' pre-training."""

from dust3r_sfm.training.croco import Croco, completion_loss, patch_pixels, random_mask
from dust3r_sfm.training.mixed_batches import forward_mixed

__all__ = ["Croco", "completion_loss", "forward_mixed", "patch_pixels", "random_mask"]
