"""What is said of the route of usage."""

from types import MappingProxyType

from gateway.api.openapi import examples
from gateway.api.openapi.models import UsageOfDays
from gateway.api.openapi.operation import Access, Operation, ok

OPERATIONS = MappingProxyType(
    {
        "read_usage": Operation(
            tag="usage",
            access=Access.READ,
            summary="Read what jobs have cost",
            says="Your costs of up to 93 days, added up by day, kind or status. A day is one "
            "of UTC, and an attempt's cost belongs to the day its reserve was made on, as it "
            "does in the budget. Jobs that failed, were cancelled or deleted count with what "
            "they spent; one that was given an earlier result cost nothing and does not count.",
            answers=(ok("The costs.", UsageOfDays, examples.USAGE),),
        ),
    }
)
