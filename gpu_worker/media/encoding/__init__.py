"""From finished frames and their sound to files."""
