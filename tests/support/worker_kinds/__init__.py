"""Kinds that misbehave in every way a worker must survive; a package of the kinds' shape."""
