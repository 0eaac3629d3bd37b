import subprocess
import sys

# In a process of its own: what is set concerns the whole process.
SERVES = """
import gc, weakref
from gateway.entrypoints.garbage import spare_what_was_built

class Cycle:
    def __init__(self):
        self.itself = self

built = [Cycle() for _ in range(1000)]
before = len(gc.get_objects())
spare_what_was_built()
watched = weakref.ref(Cycle())
made = [[Cycle()] for _ in range(10_000)]
print(before > 1000, any(one is built[0] for one in gc.get_objects()), watched() is None)
"""


def test_what_was_built_is_looked_through_no_more_and_later_cycles_still_go():
    said = subprocess.run(
        [sys.executable, "-c", SERVES], check=True, capture_output=True, text=True, timeout=60
    )
    assert said.stdout.split() == ["True", "False", "True"]
