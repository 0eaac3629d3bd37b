"""The parts on one machine: object store, RunPod emulator, and the stack of all of it."""
