"""From photos with known cameras to a map that new photos are localized in."""
