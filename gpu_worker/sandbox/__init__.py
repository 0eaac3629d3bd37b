"""Processes for untrusted media: a zygote, its children, and what each may use."""
