"""What pages upload and run: one run at a time, each a process of the command line."""
