"""Bytes between the bucket and this machine: fetched, put, and where they lie."""
