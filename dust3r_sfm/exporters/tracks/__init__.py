"""Which tracks a model shows, in pixels of the stored files."""
