"""No boundary escapes: each call of each port, each fault of the store and of RunPod."""

import inspect
import re
from typing import get_type_hints

from gateway.wiring_ports import Ports
from infra.local.faults.catalogue import all_faults
from infra.local.faults.runpod_faults import NOT_PLAYED
from infra.local.faults.unplayed import UNPLAYED
from infra.local.faults.watched_ports import port_names
from infra.local.object_store.faults import Wrong
from infra.local.runpod.faults import FaultKind

NAMES = [fault.name for fault in all_faults()]


def calls():
    """Every method of every port, by the port's name."""
    ports = get_type_hints(Ports)
    return {
        f"{name}.{method}"
        for name in port_names()
        for method, _ in inspect.getmembers(ports[name], inspect.isfunction)
        if not method.startswith("_")
    }


def killed_at():
    """The calls at which the gateway is killed, with the side."""
    points = [name.removeprefix("gateway.") for name in NAMES if name.startswith("gateway.")]
    found = [re.fullmatch(r"([a-z_]+\.[a-z_]+)(?:\[.+\])?\.(before|after)", p) for p in points]
    assert all(found)
    return {(each[1], each[2]) for each in found}


def test_the_gateway_is_killed_before_and_after_every_call_that_the_world_sees():
    seen = calls() - set(UNPLAYED)
    assert {call for call, _ in killed_at()} <= calls()
    assert killed_at() == {(call, side) for call in seen for side in ("before", "after")}


def test_what_is_left_out_is_there_and_has_a_reason():
    assert set(UNPLAYED) <= calls()
    assert all(UNPLAYED.values())


def test_every_fault_has_a_name_of_its_own_and_there_are_enough():
    assert len(set(NAMES)) == len(NAMES) >= 60


def test_runpod_does_all_that_its_emulator_can_do_wrong():
    played = {kind for kind in FaultKind if any(f"runpod.{kind}" in name for name in NAMES)}
    assert played | set(NOT_PLAYED) == set(FaultKind)


def test_the_store_does_all_that_it_can_do_wrong():
    sources = inspect.getsource(inspect.getmodule(all_faults))
    assert sources
    from infra.local.faults import store_faults

    said = inspect.getsource(store_faults)
    left = {each for each in Wrong if f"Wrong.{each.name}" not in said}
    assert left == {Wrong.DROPPED}  # as UNHEARD, but a minute later
