"""One kind that puts a file through every door of the worker, in a child with its limits."""


def warm() -> None:
    """Have what the real kinds have."""
    from gpu_worker.media.warm import compile_kernels

    compile_kernels()
