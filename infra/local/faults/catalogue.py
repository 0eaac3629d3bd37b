"""Every fault there is."""

from infra.local.faults.export_faults import export_faults
from infra.local.faults.fault import Fault
from infra.local.faults.gateway_faults import gateway_faults
from infra.local.faults.keeping_faults import keeping_faults
from infra.local.faults.runpod_faults import runpod_faults
from infra.local.faults.sqlite_faults import sqlite_faults
from infra.local.faults.store_faults import store_faults
from infra.local.faults.webhook_faults import webhook_faults
from infra.local.faults.worker_faults import worker_faults


def all_faults() -> list[Fault]:
    """Return them in the order they are told."""
    return [
        *gateway_faults(),
        *keeping_faults(),
        *webhook_faults(),
        *worker_faults(),
        *store_faults(),
        *sqlite_faults(),
        *runpod_faults(),
        *export_faults(),
    ]
