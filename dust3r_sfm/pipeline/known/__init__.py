"""What is known beforehand, of cameras and of the world, out of files."""
