"""What became of deliveries to webhook endpoints, as a tenant reads it and asks again."""

from datetime import datetime
from typing import Protocol

from gateway.core.cursors import Place
from gateway.core.webhooks import Delivery


class DeliveryLog(Protocol):
    """Every implementation passes `tests/conformance/test_delivery_logs.py`.

    Each write is durable before it is answered, and one step. What belongs to another
    tenant is not there.
    """

    async def get(self, tenant: str, delivery_id: str) -> Delivery | None:
        """Return the delivery."""

    async def page(self, endpoint_id: str, after: Place | None, limit: int) -> list[Delivery]:
        """Return an endpoint's deliveries older than `after`, the newest first, no bodies."""

    async def replay(
        self, tenant: str, delivery_id: str, at: datetime, retry_until: datetime
    ) -> Delivery | None:
        """Make the delivery pending again, whatever became of it, and due at once.

        A lease on it counts no more. Return it as it is then; None, and nothing changes, if
        there is none or its endpoint is disabled.
        """
