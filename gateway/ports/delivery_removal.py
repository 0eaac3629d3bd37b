"""Deliveries that have ended, let go with their job or by age."""

from datetime import datetime
from typing import Protocol


class DeliveryRemoval(Protocol):
    """Every implementation passes `tests/conformance/test_delivery_removal.py`.

    Each write is durable before it is answered. What is still to be sent stays.
    """

    async def forget_event(self, event_id: str) -> bool:
        """Forget what was delivered of an event, or given up; False while some is pending."""

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget deliveries made before this and no longer pending; return how many."""
