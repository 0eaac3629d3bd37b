"""Other people's ways to make the same videos, each run by an interpreter of its own.

What they need stands in `requirements/peers.txt` and is installed beside cutroom, not into it.
"""
