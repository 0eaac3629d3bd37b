"""Breaks cutroom on purpose, everywhere, and sees whether it keeps its promises."""
