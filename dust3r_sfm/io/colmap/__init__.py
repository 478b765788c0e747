"""COLMAP models in their two forms, read within their own bounds: `io.colmap_model` is the way in."""
