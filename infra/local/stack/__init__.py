"""All of cutroom on this computer: object store, RunPod emulator and gateway."""
