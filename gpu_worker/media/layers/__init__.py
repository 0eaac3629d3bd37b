"""Layers: pictures and texts made ready once, then blended onto finished frames."""
