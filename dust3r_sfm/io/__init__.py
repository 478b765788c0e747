"""Files: atomic writing, named arrays, scenes, COLMAP models, lists of cameras and poses."""
