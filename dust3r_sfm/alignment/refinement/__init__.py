"""Second-order refinement of all poses, focals and scales on samples of the pairs' points and matches."""
