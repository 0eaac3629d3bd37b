"""The work people wait for, on the sample clip: killed, cut off, and done all the same."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from infra.local.faults.customer import Customer, Order
from infra.local.faults.fault import Fault
from infra.local.faults.stage import Needs, NotSurvived
from infra.local.object_store.faults import Wrong

SAMPLE = Path(__file__).parents[1] / "samples" / "car-detection.mp4"
RENDERS = Needs(
    workers=1,
    warm=1,
    kinds="gpu_worker.kinds",
    worker_env=(
        ("CUTROOM_WORKER_MEMORY_LIMIT_MB", "4096"),
        ("CUTROOM_WORKER_FILE_LIMIT_MB", "1024"),
    ),
)
SECONDS, FRAMES = 8, 100  # of a clip with 12.5 frames a second

Meanwhile = Callable[[Customer, Order], Awaitable[None]]


async def _rendered(
    customer: Customer, meanwhile: Meanwhile, size: tuple[int, int] = (360, 640)
) -> str:
    """Have the sample framed while something happens; every frame has to be there."""
    data = await asyncio.to_thread(SAMPLE.read_bytes)
    order = await customer.order(_framing(await customer.uploaded(data), size))
    await meanwhile(customer, order)
    job = await customer.ended(order)
    if job["result"]["frames"] != FRAMES:
        raise NotSurvived(f"{job['result']['frames']} frames were made of {FRAMES}")
    return f"all {FRAMES} frames in attempt {job['attempt']}"


def _framing(asset_id: str, size: tuple[int, int]) -> dict[str, Any]:
    return {
        "kind": "export.framing",
        "input": {
            "source": {"asset_id": asset_id},
            "crop_keyframes": [],
            "end_time": SECONDS,
            "output_width": size[0],
            "output_height": size[1],
        },
    }


def gateway_dies(name: str, point: str) -> Fault:
    """The gateway is killed at this point of an export."""

    async def meanwhile(customer: Customer, _: Order) -> None:
        customer.stage.arm(point)

    async def play(customer: Customer) -> str:
        told = await _rendered(customer, meanwhile)
        if customer.stage.still_armed():
            raise NotSurvived("the gateway was not killed")
        return told

    return Fault(f"export.gateway_dies_{name}", play, RENDERS)


def store_fails(name: str, wrong: Wrong, method: str, prefix: str) -> Fault:
    """A transfer of an export goes wrong."""

    async def meanwhile(customer: Customer, _: Order) -> None:
        customer.stage.store_fails(wrong, method=method, key_prefix=prefix)

    async def play(customer: Customer) -> str:
        told = await _rendered(customer, meanwhile)
        if not customer.stage.stack.object_faults.spent:
            raise NotSurvived("nothing went wrong")
        return told

    return Fault(f"export.{name}", play, RENDERS)


async def _worker_dies(customer: Customer) -> str:
    async def meanwhile(customer: Customer, order: Order) -> None:
        await customer.at_work(order)
        worker = await customer.stage.worker_of(order.job_id)
        customer.stage.tell_worker(worker, signal.SIGKILL)

    # So large that there is time to find who is at work on it.
    return await _rendered(customer, meanwhile, (1440, 2560))


async def _gateway_is_away(customer: Customer) -> str:
    async def meanwhile(customer: Customer, order: Order) -> None:
        await customer.at_work(order)
        await customer.stage.outage(2)

    return await _rendered(customer, meanwhile)


def export_faults() -> list[Fault]:
    """Return all of them."""
    return [
        gateway_dies("at_work", "jobs.commit[report].after"),
        gateway_dies("at_the_last_word", "jobs.commit[report:succeeded].before"),
        gateway_dies("as_it_grants_urls", "attempts.grant.after"),
        store_fails("input_truncated", Wrong.TRUNCATED, "GET", "default/uploads/"),
        store_fails("output_cut_off", Wrong.CUT_OFF, "PUT", "output/"),
        store_fails("output_lost", Wrong.LOST, "PUT", "output/"),
        Fault("export.worker_dies_at_work", _worker_dies, RENDERS),
        Fault("export.gateway_is_away", _gateway_is_away, RENDERS),
    ]
