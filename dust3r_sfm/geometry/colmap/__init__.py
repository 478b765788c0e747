"""pycolmap's options and models, as all rooms use them."""
