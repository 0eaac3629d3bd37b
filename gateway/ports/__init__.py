"""What the use cases need from the world, one small Protocol a file."""
