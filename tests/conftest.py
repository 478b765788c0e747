"""What takes long to make and many tests look at."""

import pytest
from rendered_room import RenderedRoom, render_room


@pytest.fixture(scope="session")
def rendered_rooms() -> tuple[RenderedRoom, RenderedRoom]:
    """Three photos each of two rooms that share nothing."""
    return render_room(0), render_room(1)
