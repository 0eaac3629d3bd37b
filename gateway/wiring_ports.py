"""Every port of the gateway in one hand: bootstrap fulfils them, wiring hands them on.

No use case is imported here, so that an operator's command loads no application.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.core.figures import CallFigures, WriteFigures
from gateway.ports.asset_store import AssetStore
from gateway.ports.budgets import BudgetStore
from gateway.ports.census import CensusTaker
from gateway.ports.compute import Compute
from gateway.ports.delivery_log import DeliveryLog
from gateway.ports.delivery_queue import DeliveryQueue
from gateway.ports.delivery_removal import DeliveryRemoval
from gateway.ports.effect_queue import EffectQueue
from gateway.ports.erasure_store import ErasureStore
from gateway.ports.export_projects import ExportProjectStore
from gateway.ports.job_lists import JobLists
from gateway.ports.job_pruning import JobPruning
from gateway.ports.job_removal import JobRemoval
from gateway.ports.job_reuse import JobReuse
from gateway.ports.job_watch import JobWatch
from gateway.ports.liveness import Liveness
from gateway.ports.multipart_store import MultipartStore
from gateway.ports.object_store import ObjectStore
from gateway.ports.outgoing import Outgoing
from gateway.ports.retention_store import RetentionStore
from gateway.ports.upload_store import UploadStore
from gateway.ports.upload_sweep import UploadSweep
from gateway.ports.webhook_endpoint_store import WebhookEndpointStore
from gateway.wiring_polls import PollPorts


@dataclass(frozen=True, slots=True)
class Ports(PollPorts):
    """Every port, fulfilled."""

    job_watch: JobWatch
    job_lists: JobLists
    job_reuse: JobReuse
    job_removal: JobRemoval
    job_pruning: JobPruning
    effects: EffectQueue
    liveness: Liveness
    census: CensusTaker
    budgets: BudgetStore
    uploads: UploadStore
    assets: AssetStore
    upload_sweep: UploadSweep
    objects: ObjectStore
    multiparts: MultipartStore
    export_projects: ExportProjectStore
    retention: RetentionStore
    erasures: ErasureStore
    compute: Compute
    webhook_endpoints: WebhookEndpointStore
    delivery_queue: DeliveryQueue
    delivery_log: DeliveryLog
    delivery_removal: DeliveryRemoval
    outgoing: Outgoing
    database_answers: Callable[[], Awaitable[object]]
    close: Callable[[], Awaitable[None]]
    calls: CallFigures = field(default_factory=CallFigures)
    writes: WriteFigures = field(default_factory=WriteFigures)
