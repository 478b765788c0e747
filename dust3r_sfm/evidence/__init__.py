"""What is kept of each predicted pair: enough to align, and small enough for any number of pairs."""
