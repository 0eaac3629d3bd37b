"""Paired benchmarks: `python -m bench` writes build/bench.json."""
