"""pycolmap's cameras, models and options, as all rooms use them."""
