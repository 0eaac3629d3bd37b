"""The calls of ports at which the gateway is not killed, and why not.

A test holds that every other one is: a new method of a port has a fault, or stands here.
"""

from types import MappingProxyType

_READS = "it asks and changes nothing"
_COMMAND = "an operator's command calls it, in a process of its own, as its one batch"

UNPLAYED = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "assets.get",
                "attempts.attempts",
                "attempts.costs",
                "attempts.costs_of",
                "attempts.grants",
                "attempts.runpod_jobs",
                "budgets.budget",
                "budgets.standings",
                "budgets.usage",
                "census.attempts_open",
                "census.take",
                "compute.health",
                "delivery_log.get",
                "delivery_log.page",
                "delivery_queue.due",
                "delivery_queue.next_due",
                "effects.next_due",
                "effects.others_undone",
                "erasures.all",
                "erasures.ended_jobs",
                "erasures.get",
                "erasures.left",
                "erasures.live_uploads",
                "erasures.open_jobs",
                "events.read",
                "export_projects.get_clip",
                "export_projects.get_project",
                "job_line.in_line",
                "job_line.positions",
                "job_lists.page",
                "job_reuse.reusable",
                "job_reuse.shares_outputs",
                "job_watch.past_deadline",
                "job_watch.silent",
                "job_watch.unclaimed",
                "jobs.bound_to",
                "jobs.get",
                "jobs.outcome_of",
                "keys.get",
                "keys.is_suspended",
                "keys.keys_of",
                "keys.tenants",
                "multiparts.parts",
                "objects.check",
                "objects.list_keys",
                "retention.due",
                "upload_sweep.to_sweep",
                "uploads.get",
                "uploads.stored_bytes",
                "uploads.upload_at",
                "webhook_endpoints.all_of",
                "webhook_endpoints.get",
            ),
            _READS,
        ),
        **dict.fromkeys(
            (
                "budgets.set_caps",
                "budgets.stop",
                "erasures.begin",
                "keys.add",
                "keys.add_tenant",
                "keys.replace",
                "keys.revoke",
                "keys.suspend",
            ),
            _COMMAND,
        ),
        "compute.aclose": "it lets go of connections as the gateway stops",
        "objects.put_file": "no use case stores a file that passed through the gateway",
    }
)
