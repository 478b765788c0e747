"""The page in the browser: panel, layers and clicks, in viser."""
