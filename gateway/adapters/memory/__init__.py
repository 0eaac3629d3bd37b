"""The ports in memory: the same rules as the real adapters, gone when the process ends."""
