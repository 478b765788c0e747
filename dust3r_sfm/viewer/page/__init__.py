"""The page in the browser: panel, what its choices do, and clicks, in viser."""
