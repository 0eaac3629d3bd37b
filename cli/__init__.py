"""The `cutroom` command: one file a command, nothing imports it."""
