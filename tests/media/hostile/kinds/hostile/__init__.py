"""Doors for files that mean harm."""
