"""What the viewer shows, read from folders, COLMAP models and scenes in memory."""
