"""Clocks and patience: retries, deadlines, and the word to stop."""
