"""Webhooks: the gateway is killed around each delivery, and receivers fail."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from infra.local.faults.customer import Customer, Order
from infra.local.faults.fault import Fault
from infra.local.faults.gateway_faults import SIDES, crash
from infra.local.faults.stage import Needs, NotSurvived
from infra.local.stack.serving import Switched, serving

# Time is let pass here: on a stage of their own kind.
LISTENED_TO = Needs(workers=1, warm=1, settings=(("CUTROOM_OUTGOING_ALLOW", "127.0.0.1"),))
PATH = "/v1/webhook-endpoints"
# Longer than a delivery is leased, or put off after its first tries.
LATER_S = 400.0
WITHIN_S, PATIENCE = 3.0, 5
HANGS, MANY = 0, 1000

CALLS = (
    "webhook_endpoints.add",
    "delivery_queue.add",
    "delivery_queue.lease",
    "outgoing.check",
    "outgoing.send",
    "delivery_queue.note_try",
    "effects.done[webhook]",
    "webhook_endpoints.change",
    "webhook_endpoints.rotate",
    "delivery_log.replay",
    "webhook_endpoints.remove",
)


@dataclass(slots=True)
class Receiver:
    """An app that takes webhooks, once it has been rude as often as it was told to.

    `status`: how it is rude; `HANGS` is without a word.
    """

    rude: int = 0
    status: int = 503
    heard: Counter[str] = field(default_factory=Counter)
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] == "lifespan":
            return
        request = Request(scope, receive)
        told = await request.json()
        status = 200
        if self.rude > 0 and self.status == HANGS:
            self.rude -= 1
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if self.rude > 0:
            self.rude, status = self.rude - 1, self.status
        else:
            self.heard[f"{told['type']} {told['data']['job']['id']}"] += 1
        await Response(status_code=status)(scope, receive, send)


@asynccontextmanager
async def listening(customer: Customer, receiver: Receiver) -> AsyncIterator[str]:
    """Have a receiver told of ended jobs; yield the id of its endpoint."""
    async with serving(receiver) as url:
        asked = {"url": f"{url}/hook", "events": ["job.succeeded"]}
        made = await customer.said("POST", PATH, 201, json=asked)
        yield str(made["id"])
        # A repeated request may have made more than one.
        for each in (await customer.said("GET", PATH))["items"]:
            await customer.call("DELETE", f"{PATH}/{each['id']}")
        if (await customer.said("GET", PATH))["items"]:
            raise NotSurvived("an endpoint that was removed is there")


async def end_is_told(customer: Customer) -> str:
    """A receiver hears of a job's end; its endpoint is changed, replayed to, and removed."""
    receiver = Receiver()
    async with listening(customer, receiver) as endpoint_id:
        path = f"{PATH}/{endpoint_id}"
        await customer.said("PATCH", path, json={"description": "drill"})
        await customer.said("POST", f"{path}/rotate")
        told = await _told_of_a_job(customer, receiver)
        page = await customer.said("GET", f"{path}/deliveries")
        before = receiver.heard.total()
        for each in page["items"]:
            await customer.said("POST", f"{PATH}/deliveries/{each['id']}/replay")
        await _passing_time(customer, lambda: receiver.heard.total() > before)
        return told


async def end_is_forgotten(customer: Customer) -> str:
    """A job whose end was told is deleted, and what was told of it with it."""
    receiver = Receiver()
    async with listening(customer, receiver):
        order = await customer.submit()
        await _told_of(customer, receiver, order)
        await customer.deleted(order)
        customer.stage.pass_days()
        told = "SELECT 1 FROM webhook_deliveries WHERE event_id LIKE '%' || ?"
        await customer.stage.until(
            lambda: not customer.stage.rows(told, (order.job_id,)), "it is forgotten"
        )
    return "what was told is forgotten"


async def _told_of_a_job(customer: Customer, receiver: Receiver) -> str:
    return await _told_of(customer, receiver, await customer.submit())


async def _told_of(customer: Customer, receiver: Receiver, order: Order) -> str:
    await customer.ended(order)
    wanted = f"job.succeeded {order.job_id}"
    await _passing_time(customer, lambda: receiver.heard[wanted] > 0)
    return f"its end was told {receiver.heard[wanted]} times"


async def _passing_time(customer: Customer, happens: Callable[[], bool]) -> None:
    """Wait, and let minutes pass for the gateway while it does not happen."""
    for _ in range(PATIENCE):
        try:
            await customer.stage.until(happens, "the receiver was told", WITHIN_S)
        except NotSurvived:
            customer.stage.pass_time(LATER_S)
        else:
            return
    raise NotSurvived("the receiver was never told")


def receiver_is(name: str, status: int, rude: int) -> Fault:
    """A receiver does not take a delivery at first."""

    async def play(customer: Customer) -> str:
        receiver = Receiver(rude, status)
        async with listening(customer, receiver):
            return await _told_of_a_job(customer, receiver)

    return Fault(f"webhooks.receiver_{name}", play, LISTENED_TO)


async def _receiver_hangs(customer: Customer) -> str:
    """One receiver never answers; another is told all the same."""
    hanging, other = Receiver(status=HANGS, rude=MANY), Receiver()
    async with listening(customer, hanging), listening(customer, other):
        return await _told_of_a_job(customer, other)


async def _receiver_is_away(customer: Customer) -> str:
    """Nobody listens at the address when the job ends, and later somebody does."""
    receiver = Receiver()
    switch = Switched(receiver)
    async with switch:
        asked = {"url": f"{switch.url}/hook", "events": ["job.succeeded"]}
        made = await customer.said("POST", PATH, 201, json=asked)
        await switch.off()
        order = await customer.submit()
        await customer.ended(order)
        tried = "SELECT 1 FROM webhook_deliveries WHERE tries > 0"
        await customer.stage.until(lambda: customer.stage.rows(tried), "a delivery was tried")
        await switch.on()
        wanted = f"job.succeeded {order.job_id}"
        await _passing_time(customer, lambda: receiver.heard[wanted] > 0)
        await customer.call("DELETE", f"{PATH}/{made['id']}")
    return "its end was told when somebody listened"


async def _stopped_while_it_delivers(customer: Customer) -> str:
    """The gateway is told to stop while a delivery is on its way, and gives it back."""
    receiver = Receiver(status=HANGS, rude=1)
    async with listening(customer, receiver):
        order = await customer.submit()
        await customer.ended(order)
        await customer.stage.until(lambda: receiver.rude == 0, "a delivery is on its way")
        await customer.stage.stack.gateway.stop()
        wanted = f"job.succeeded {order.job_id}"
        await _passing_time(customer, lambda: receiver.heard[wanted] > 0)
        return "its end was told after the next start"


def webhook_faults() -> list[Fault]:
    """Return all of them."""
    return [
        *(
            crash(f"{call}.{side}", end_is_told, LISTENED_TO)
            for call in CALLS
            for side in SIDES
        ),
        *(
            crash(f"delivery_removal.forget_event.{side}", end_is_forgotten, LISTENED_TO)
            for side in SIDES
        ),
        crash("delivery_queue.give_back.before", _stopped_while_it_delivers, LISTENED_TO),
        crash("delivery_queue.give_back.after", _stopped_while_it_delivers, LISTENED_TO),
        Fault("webhooks.gateway_stops_meanwhile", _stopped_while_it_delivers, LISTENED_TO),
        receiver_is("unavailable", 503, 2),
        receiver_is("confused", 302, 1),
        Fault("webhooks.receiver_hangs", _receiver_hangs, LISTENED_TO),
        Fault("webhooks.receiver_away", _receiver_is_away, LISTENED_TO),
    ]
