"""Both sides of RunPod serverless on this machine: its API, and unmodified workers under it."""
