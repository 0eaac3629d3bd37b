"""Kinds of jobs that exist to be broken; see `gpu_worker/kinds`."""
