"""Tracks and bundle adjustment, and the registration of images into what was adjusted."""
