"""What takes long to make and many tests look at."""

import pytest
import torch
from rendered_room import RenderedRoom, render_room

# Test pictures are too small to share among cores; on a busy machine sharing takes ten times as long.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def rendered_rooms() -> tuple[RenderedRoom, RenderedRoom]:
    """Three photos each of two rooms that share nothing."""
    return render_room(0), render_room(1)
