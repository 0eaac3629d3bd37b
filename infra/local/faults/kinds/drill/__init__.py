"""The one group."""
