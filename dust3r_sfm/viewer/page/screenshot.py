"""What a browser shows, as a PNG that it saves."""

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from viser import ClientHandle

_FILE = "dust3r_sfm.png"


def send_screenshot(client: "ClientHandle", most_s: float) -> None:
    """Of the view without the panel, on white. A browser that gives none within `most_s` is told so."""
    camera = client.camera
    try:
        seen = client.get_render(
            camera.image_height, camera.image_width, transport_format="png", timeout=most_s
        )
    except (RuntimeError, TimeoutError):
        client.add_notification("No screenshot", "The browser gave no picture; try again.", color="red")
        return
    picture = Image.fromarray(np.asarray(seen)).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    file = io.BytesIO()
    Image.alpha_composite(ground, picture).convert("RGB").save(file, format="PNG")
    client.send_file_download(_FILE, file.getvalue(), save_immediately=True)
