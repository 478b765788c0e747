"""How a made-up place is rendered: surfaces, light and the camera's own faults."""
