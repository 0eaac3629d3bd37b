"""Kinds that make a finished video of an uploaded one."""
