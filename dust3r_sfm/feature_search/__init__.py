"""SIFT of pictures on all cores, without a file: pycolmap's search, in processes of our own."""
