"""Kinds that look at an uploaded file for the one who keeps it: the work."""
