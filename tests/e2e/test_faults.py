"""A few faults as `make faults` plays them, and gateways bad enough not to survive one."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.faults.catalogue import all_faults
from infra.local.faults.customer import Customer
from infra.local.faults.fault import Fault
from infra.local.faults.playing import Playing
from infra.local.faults.stage import Needs
from infra.local.object_store.faults import Wrong
from infra.local.runpod.faults import FaultKind

pytestmark = pytest.mark.processes

SMALL = Needs(workers=1, warm=1)
FEW = (
    "gateway.jobs.create.after",
    "gateway.compute.submit.after",
    "gateway.jobs.commit[report:succeeded].after",
    "worker.dies_at.put[manifest].after",
    "store.put.answered_and_lost",
    "runpod.lose_run_answer.reset",
)
# What is broken, by which fault it shows, and in what words.
BAD_GATEWAYS = {
    "forgets_jobs": ("runpod.lose_run_answer.reset", "404"),
    "believes_workers": ("store.put.answered_and_lost", "the output is not what was asked for"),
    "charges_nobody": ("runpod.lose_run_answer.reset", "a reserve was never closed"),
}


def bad(name: str, fault: Fault) -> Fault:
    """The same fault on a gateway that does not keep its promises."""
    ports = f"tests.support.broken_ports:{name}"
    warm = 0 if name == "forgets_jobs" else 1
    return replace(fault, name=name, needs=Needs(alone=True, workers=1, warm=warm, ports=ports))


async def _arms_and_goes(customer: Customer) -> str:
    customer.stage.runpod_fails(FaultKind.BAD_CANCEL)
    customer.stage.store_fails(Wrong.SLOW, method="DELETE")
    return "nothing was cancelled, and nothing deleted"


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory, kernel_cache):
    folder: Path = tmp_path_factory.mktemp("faults")
    known = {fault.name: fault for fault in all_faults()}
    faults = [replace(known[name], needs=SMALL) for name in FEW]
    faults += [bad(name, known[fault]) for name, (fault, _) in BAD_GATEWAYS.items()]
    faults.append(Fault("never_happens", _arms_and_goes, SMALL))
    playing = Playing(folder, lanes=1, kernels=kernel_cache, tell=lambda _: None)
    return {each.name: each for each in asyncio.run(playing(faults))}


@pytest.mark.parametrize("name", FEW)
def test_a_fault_is_survived(verdicts, name):
    assert verdicts[name].survived, verdicts[name].detail


@pytest.mark.parametrize("name", BAD_GATEWAYS)
def test_a_gateway_that_breaks_a_promise_is_told_of(verdicts, name):
    assert not verdicts[name].survived
    assert BAD_GATEWAYS[name][1] in verdicts[name].detail


def test_a_fault_that_never_happens_is_not_survived(verdicts):
    assert not verdicts["never_happens"].survived
    assert verdicts["never_happens"].detail.startswith("it never happened: bad_cancel, slow")
