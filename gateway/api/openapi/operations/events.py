"""What is said of the routes of events."""

from types import MappingProxyType

from gateway.api.openapi import examples
from gateway.api.openapi.models import EventPage, JobTicket
from gateway.api.openapi.operation import PREFER, Access, Answer, Content, Operation, ok

_EVENTS = """\
Two ways to read one log, by what you accept.

**A page** (`Accept: application/json`, or none): the events after `after`, at most a page, in \
order. Go on with `next_after`. With `wait_s` (or `Prefer: wait=20`) an answer that would be \
empty is held back until something happens or the time is up: a loop of such calls is live \
with no stream at all.

**A stream** (`Accept: text/event-stream`): server-sent events. `id` is the `seq`, `event` the \
type, `data` the event; a comment every 15 seconds keeps the connection open; the stream ends \
after the last event. A client that reconnects sends `Last-Event-ID`, which wins over `after`, \
and misses nothing. Asked for at or past the last event the answer is 204, at which an \
`EventSource` stops for good."""

OPERATIONS = MappingProxyType(
    {
        "read_events": Operation(
            tag="events",
            access=Access.READ_TICKET,
            summary="Read or stream a job's events",
            says=_EVENTS,
            answers=(
                Answer(
                    200,
                    "A page of events, or the stream.",
                    (
                        Content(EventPage, {"default": examples.EVENTS}),
                        Content(
                            {"type": "string"},
                            {"default": examples.STREAM},
                            "text/event-stream",
                        ),
                    ),
                    headers=("Preference-Applied",),
                ),
                Answer(204, "A stream was asked for and there is nothing more to come."),
            ),
            parameters=(PREFER,),
        ),
        "create_job_ticket": Operation(
            tag="events",
            access=Access.READ,
            summary="Give a ticket to watch a job",
            says="For a browser, which holds no key: read-only, for this job alone, and good "
            "to connect with for 60 seconds. What it opened may outlive it. Give a new one for "
            "each reconnect.",
            answers=(ok("The ticket.", JobTicket, examples.TICKET, status=201),),
        ),
    }
)
