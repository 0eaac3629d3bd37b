"""What runs on RunPod: claims one job, does its work in a child process, reports."""
