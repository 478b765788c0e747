"""What of a scene is proved, and what is split off or left out because it is not."""
