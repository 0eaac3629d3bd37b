"""What cutroom stands on: RunPod, Lambda, the edge, R2, and all of it on one machine."""
