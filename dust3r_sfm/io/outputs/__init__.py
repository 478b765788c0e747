"""What is written: whole, alone, over nothing that is read, and with room enough."""
