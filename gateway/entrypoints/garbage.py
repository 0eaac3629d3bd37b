"""How a server that lives long looks for garbage."""

import gc

# Of objects made and not yet freed, a request in hand has some hundreds: at Python's own 700
# a few requests that wait for the disk set off a search, each time for nothing.
NEW_OBJECTS = 5000
OLDER_EVERY = 20


def spare_what_was_built() -> None:
    """Search rarely, and never again through what is there now: routes, models, code.

    To be called once all is built, by a process that serves; what it concerns is the whole
    process. Cycles made later are collected as ever.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, OLDER_EVERY, OLDER_EVERY)
