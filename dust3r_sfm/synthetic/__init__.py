"""Textured scenes rendered with exact geometry: for tests, examples and training."""
