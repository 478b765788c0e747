"""Places to photograph that are hard in the ways real ones are, each with the paths on which one would."""
