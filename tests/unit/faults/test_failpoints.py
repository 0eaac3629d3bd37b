"""What is armed happens once, where it is meant to, and is gone before it does."""

import pytest

from infra.local.faults import failpoints
from infra.local.faults.failpoints import Failpoints, Shot


class Deaths:
    """Notes what was still armed each time somebody died, or slept."""

    def __init__(self, folder):
        self.folder = folder
        self.armed = []
        self.slept = []

    def die(self):
        self.armed.append([shot.point for shot in failpoints.armed(self.folder)])

    async def sleep(self, pause_s):
        self.slept.append(pause_s)


@pytest.fixture
def deaths(tmp_path):
    return Deaths(tmp_path)


@pytest.fixture
def points(deaths):
    return Failpoints(deaths.folder, die=deaths.die, sleep=deaths.sleep)


async def test_nothing_happens_where_nothing_is_armed(points, deaths):
    await points.passed("jobs.create", [], "before")
    assert deaths.armed == []


async def test_a_shot_kills_at_its_point_and_side_alone_and_once(points, deaths):
    failpoints.arm(deaths.folder, [Shot("jobs.create.after")])
    for side in ("before", "after", "before", "after"):
        await points.passed("jobs.create", [], side)
        await points.passed("jobs.delete", [], side)
    assert deaths.armed == [[]]
    assert failpoints.fired(deaths.folder) == ["jobs.create.after"]


async def test_a_label_is_asked_for_in_brackets(points, deaths):
    failpoints.arm(deaths.folder, [Shot("jobs.commit[claim].before")])
    await points.passed("jobs.commit", ["slot"], "before")
    assert deaths.armed == []
    await points.passed("jobs.commit", ["claim"], "before")
    assert deaths.armed == [[]]


async def test_the_nth_call_is_counted_over_all_calls(points, deaths):
    failpoints.arm(deaths.folder, [Shot("jobs.touch.before", nth=3)])
    for _ in range(2):
        await points.passed("jobs.touch", [], "before")
    assert deaths.armed == []
    await points.passed("jobs.touch", [], "before")
    assert deaths.armed == [[]]


async def test_several_shots_go_off_one_by_one(points, deaths):
    failpoints.arm(deaths.folder, [Shot("a.b.before"), Shot("c.d.after")])
    await points.passed("c.d", [], "after")
    await points.passed("a.b", [], "before")
    assert deaths.armed == [["a.b.before"], []]


async def test_a_pause_is_no_death(points, deaths):
    failpoints.arm(deaths.folder, [Shot("a.b.after", "pause")])
    await points.passed("a.b", [], "after")
    assert deaths.slept == [failpoints.PAUSE_S]
    assert deaths.armed == []


async def test_what_is_disarmed_neither_happens_nor_has_happened(points, deaths):
    failpoints.arm(deaths.folder, [Shot("a.b.after"), Shot("c.d.after")])
    await points.passed("a.b", [], "after")
    failpoints.disarm(deaths.folder)
    await points.passed("c.d", [], "after")
    assert len(deaths.armed) == 1
    assert failpoints.fired(deaths.folder) == []
