"""What the worker and the gateway say to each other: claim, reports, the calls beneath."""
