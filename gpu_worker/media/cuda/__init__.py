"""Rendering with an NVIDIA GPU: what it can do, its kernels, its decoder and its encoders."""
