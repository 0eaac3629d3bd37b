"""The gateway is killed as it lets go of what is old, of a tenant, and of money."""

import asyncio
import json
import secrets
from dataclasses import replace

from infra.local.faults.customer import Customer
from infra.local.faults.fault import Fault
from infra.local.faults.gateway_faults import FOR_DAYS, SIDES, crash
from infra.local.faults.scenes import upload_is_called_off
from infra.local.faults.stage import NotSurvived

SHORT_MEMORY = replace(
    FOR_DAYS,
    settings=(
        ("CUTROOM_RETENTION_OUTPUTS_DAYS", "1"),
        ("CUTROOM_RETENTION_ASSETS_DAYS", "1"),
        ("CUTROOM_RETENTION_UPLOAD_ROWS_DAYS", "1"),
        ("CUTROOM_RETENTION_EVERY_S", "1"),
    ),
)
# One reserve comes to more than four fifths of it.
SMALL_BUDGET = replace(FOR_DAYS, settings=(("CUTROOM_BUDGET_DAY_USD", "0.02"),))
DAY_S = 25 * 3600.0
MOST_DAYS = 12

RETAINED = ("retention.expire_outputs", "retention.expire_asset", "retention.drop_upload_row")
ERASED = ("erasures.strip", "erasures.drop_uploads", "erasures.note_quiet", "erasures.finish")


async def grows_old(customer: Customer) -> str:
    """Outputs, assets and traces of uploads are older than they are kept."""
    order = await customer.submit(asset_id=await customer.uploaded())
    await customer.ended(order)
    await upload_is_called_off(customer)
    left = (
        "SELECT 1 FROM jobs WHERE outputs_expired_at IS NULL AND outputs <> '[]' "
        "UNION ALL SELECT 1 FROM uploads WHERE status = 'aborted'"
    )
    await _let_days_pass(customer, left, "all that is old is gone")
    if (await customer.job(order))["status"] != "succeeded":
        raise NotSurvived("the job is no longer what it was")
    return "what was old is gone, and the job is told of"


async def tenant_is_erased(customer: Customer) -> str:
    """A tenant with jobs, files and a project is erased."""
    stage, tenant = customer.stage, f"leaving-{secrets.token_hex(4)}"
    made = json.loads(await stage.command("keys", "create", "--tenant", tenant, "--json"))
    leaving = customer.of_tenant(made["api_key"])
    order = await leaving.submit()
    await leaving.ended(order)
    await leaving.promised()
    stage.seen.erased.add(order.job_id)
    await stage.command("tenants", "erase", tenant, "--yes")
    left = "SELECT 1 FROM erasures WHERE done_at IS NULL"
    await _let_days_pass(customer, left, "the tenant is erased")
    if stage.rows("SELECT 1 FROM tenants WHERE id = ?", (tenant,)):
        raise NotSurvived("the tenant is still there")
    return "the tenant is erased"


async def _let_days_pass(customer: Customer, left: str, what: str) -> None:
    """Let day after day pass, with time for the gateway to act on each."""
    for _ in range(MOST_DAYS):
        if not customer.stage.rows(left):
            return
        customer.stage.pass_time(DAY_S)
        await asyncio.sleep(1)
        await customer.stage.at_rest()
    raise NotSurvived(f"not in {MOST_DAYS} days: {what}")


async def budget_is_nearly_used(customer: Customer) -> str:
    """The budget of a new day comes to four fifths: that is told, once."""
    stage = customer.stage
    stage.pass_time(DAY_S)
    told = "SELECT count(*) FROM budget_alerts WHERE percent = 80 AND length(period) = 10"
    [(before,)] = stage.rows(told)
    job = await customer.ended(await customer.submit())
    await stage.until(lambda: stage.rows(told) == [(before + 1,)], "the alert is told, once")
    return f"{job['status']}; the alert was told"


async def key_is_used(customer: Customer) -> str:
    """A key is used for the first time in days, which is noted."""
    customer.stage.pass_days()
    return await upload_is_called_off(customer)


def keeping_faults() -> list[Fault]:
    """Return all of them."""
    return [
        *(
            crash(f"{call}.{side}", grows_old, SHORT_MEMORY)
            for call in RETAINED
            for side in SIDES
        ),
        *(
            crash(f"{call}.{side}", tenant_is_erased, FOR_DAYS)
            for call in ERASED
            for side in SIDES
        ),
        *(crash(f"budgets.tell.{side}", budget_is_nearly_used, SMALL_BUDGET) for side in SIDES),
        *(crash(f"keys.note_use.{side}", key_is_used, FOR_DAYS) for side in SIDES),
    ]
