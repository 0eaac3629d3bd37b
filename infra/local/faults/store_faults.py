"""The object store refuses, is slow, loses, lies, breaks off, and is not there."""

import asyncio
from collections.abc import Sequence
from typing import Any

from infra.local.faults import scenes
from infra.local.faults.customer import Customer
from infra.local.faults.fault import Fault
from infra.local.faults.gateway_faults import FOR_DAYS
from infra.local.faults.stage import NotSurvived
from infra.local.object_store.faults import Wrong

INPUTS, OUTPUTS = "default/uploads/", "output/"
# A worker tries a transfer this often before its attempt fails.
TRIES = 5
AWAY_S = 3.0

# What goes wrong how often, and at what.
TRANSFERS: Sequence[tuple[str, Wrong, dict[str, Any]]] = (
    ("get.unavailable", Wrong.UNAVAILABLE, {"times": 2}),
    ("get.slow", Wrong.SLOW, {"delay_s": 2.0}),
    ("get.truncated", Wrong.TRUNCATED, {"times": 2}),
    ("get.wrong_etag", Wrong.WRONG_ETAG, {"times": 2}),
    ("get.wrong_size", Wrong.WRONG_SIZE, {"times": 2}),
    ("get.expired_url", Wrong.EXPIRED, {"times": TRIES}),
    ("get.broken_off", Wrong.CUT_OFF, {"times": 2}),
    ("put.unavailable", Wrong.UNAVAILABLE, {"times": 2}),
    ("put.slow", Wrong.SLOW, {"delay_s": 2.0}),
    ("put.refused", Wrong.REFUSED, {"times": 1}),
    ("put.refused_for_long", Wrong.REFUSED, {"times": TRIES}),
    ("put.expired_url", Wrong.EXPIRED, {"times": TRIES}),
    ("put.cut_off_in_the_middle", Wrong.CUT_OFF, {"times": 2}),
    ("put.stored_without_an_answer", Wrong.UNHEARD, {"times": 2}),
    ("put.key_is_taken", Wrong.TAKEN, {"times": 1}),
    ("put.answered_and_lost", Wrong.LOST, {"times": 1}),
    ("head.unavailable", Wrong.UNAVAILABLE, {"times": 2}),
    ("head.slow", Wrong.SLOW, {"delay_s": 1.5}),
    ("head.wrong_size", Wrong.WRONG_SIZE, {"times": 1}),
    ("head.missing", Wrong.MISSING, {"times": 1}),
    ("head.refused", Wrong.REFUSED, {"times": 2}),
    ("head.broken_off", Wrong.CUT_OFF, {"times": 2}),
)


def at_work(name: str, wrong: Wrong, when: dict[str, Any]) -> Fault:
    """A transfer of a job goes wrong; the job succeeds all the same."""
    method = name.partition(".")[0].upper()
    prefix = INPUTS if method == "GET" else OUTPUTS

    async def play(customer: Customer) -> str:
        await customer.asset()
        customer.stage.store_fails(wrong, method=method, key_prefix=prefix, **when)
        job = await customer.ended(await customer.submit())
        if not customer.stage.stack.object_faults.spent:
            raise NotSurvived("it did not happen as often as it should")
        return f"{job['status']} in attempt {job['attempt']}"

    return Fault(f"store.{name}", play)


async def _input_is_gone(customer: Customer) -> str:
    """The input is not there any more: no use in trying again, and the caller is told."""
    await customer.asset()
    customer.stage.store_fails(Wrong.MISSING, method="GET", key_prefix=INPUTS, times=1)
    job = await customer.ended(await customer.submit(), "failed")
    if job["error"]["code"] != "input_missing":
        raise NotSurvived(f"it failed as {job['error']['code']}")
    return "failed as input_missing"


async def _manifest_is_refused(customer: Customer) -> str:
    """The manifest cannot be put: the final report alone says how it ended."""
    order = await customer.submit(seconds=scenes.WORK_S)
    prefix = f"{OUTPUTS}{order.job_id}/1/manifest"
    customer.stage.store_fails(Wrong.REFUSED, method="PUT", key_prefix=prefix, times=TRIES)
    job = await customer.ended(order)
    if job["attempt"] != 1:
        raise NotSurvived(f"it took {job['attempt']} attempts")
    return f"{job['status']} in attempt 1"


def upload(name: str, wrong: Wrong, method: str, times: int = 2) -> Fault:
    """An upload goes wrong on its way; asked again it becomes one asset."""

    async def play(customer: Customer) -> str:
        customer.stage.store_fails(wrong, method=method, key_prefix=INPUTS, times=times)
        order = await customer.submit(asset_id=await customer.uploaded())
        return f"one asset; its job {(await customer.ended(order))['status']}"

    return Fault(f"store.upload.{name}", play)


async def _away_at_work(customer: Customer) -> str:
    order = await customer.submit(seconds=1)
    await customer.at_work(order)
    await _away(customer)
    job = await customer.ended(order)
    return f"{job['status']} in attempt {job['attempt']}"


async def _away_at_completion(customer: Customer) -> str:
    promised = await customer.promised()
    await customer.put(promised)
    completing = asyncio.create_task(customer.completed(promised["upload_id"]))
    await _away(customer)
    await completing
    return "one asset, a little later"


async def _away(customer: Customer) -> None:
    switch = customer.stage.stack.store_switch
    await switch.off()
    await asyncio.sleep(AWAY_S)
    await switch.on()


async def _fails_at_the_sweep(customer: Customer) -> str:
    """What is to be removed cannot be at first."""
    customer.stage.store_fails(Wrong.UNAVAILABLE, method="DELETE", times=6)
    return await scenes.days_pass(customer)


def store_faults() -> list[Fault]:
    """Return all of them."""
    return [
        *(at_work(*each) for each in TRANSFERS),
        Fault("store.get.missing", _input_is_gone),
        Fault("store.put.manifest_refused", _manifest_is_refused),
        upload("put_cut_off", Wrong.CUT_OFF, "PUT"),
        upload("put_stored_without_an_answer", Wrong.UNHEARD, "PUT", times=1),
        upload("put_unavailable", Wrong.UNAVAILABLE, "PUT"),
        upload("head_unavailable", Wrong.UNAVAILABLE, "HEAD"),
        upload("look_unavailable", Wrong.UNAVAILABLE, "GET"),
        upload("look_truncated", Wrong.TRUNCATED, "GET"),
        Fault("store.away_at_work", _away_at_work),
        Fault("store.away_at_completion", _away_at_completion),
        Fault("store.fails_at_the_sweep", _fails_at_the_sweep, FOR_DAYS),
    ]
