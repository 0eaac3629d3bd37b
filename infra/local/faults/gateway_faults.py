"""The gateway is killed at every boundary: before and after each call that the world sees."""

from collections.abc import Sequence

from infra.local.faults import scenes
from infra.local.faults.customer import Customer
from infra.local.faults.fault import SHARED, Fault
from infra.local.faults.scenes import Scene
from infra.local.faults.stage import Needs

SIDES = ("before", "after")
# What goes on for days has stages of its own, for a gateway's clock goes on and not back.
FOR_DAYS = Needs(workers=1, warm=1)

# In which scene a port's method is called; each is a crash before and one after.
CALLS: Sequence[tuple[Scene, Sequence[str]]] = (
    (
        scenes.job_succeeds,
        (
            "uploads.create",
            "objects.head[upload]",
            "objects.read_range[upload]",
            "uploads.complete",
            "jobs.create",
            "jobs.commit[slot]",
            "compute.submit",
            "attempts.note_runpod_job",
            "effects.done[submit]",
            "jobs.commit[claim]",
            "attempts.note_worker",
            "jobs.commit[report]",
            "assets.record_probe",
            "attempts.grant",
            "objects.head[output]",
            "jobs.commit[report:succeeded]",
            "attempts.note_last_word",
            "attempts.settle",
            "effects.done[settle]",
            "effects.done[dispatch]",
            "liveness.ticked",
        ),
    ),
    (scenes.job_is_cancelled, ("jobs.commit[cancel]", "compute.cancel", "jobs.touch")),
    (
        scenes.job_loses_its_worker,
        ("compute.status", "attempts.note_asked", "jobs.commit[lost:queued]"),
    ),
    (scenes.job_is_refused, ("jobs.commit[refused:failed]",)),
    (scenes.job_is_forgotten, ("jobs.commit[gone]",)),
    (scenes.job_expires, ("jobs.commit[expire:expired]",)),
    (scenes.submission_is_put_off, ("effects.put_off[submit]",)),
    (scenes.ended_before_it_was_submitted, ("effects.add",)),
    (
        scenes.file_in_parts,
        ("multiparts.begin", "uploads.name_multipart", "multiparts.join"),
    ),
    (scenes.parts_are_let_go, ("uploads.abort", "multiparts.abort")),
    (scenes.result_is_used_again, ("job_reuse.create_reused",)),
    (scenes.upload_is_called_off, ("objects.delete[upload]",)),
    (scenes.asset_is_deleted, ("assets.delete",)),
    (scenes.job_is_deleted, ("job_removal.delete", "objects.delete[output]")),
    (scenes.export_input_is_renewed, ("uploads.renew",)),
    (
        scenes.project_is_made,
        ("export_projects.put_project", "export_projects.put_clip", "assets.reconsider"),
    ),
)
# What a gateway does as it starts.
AT_START = ("job_line.know_endpoints", "liveness.started", "keys.seed")
# What it does when all is over.
IN_THE_END = (
    "upload_sweep.let_go",
    "upload_sweep.mark_swept",
    "attempts.drop_grants",
    "job_removal.erase",
    "job_pruning.prune",
    "job_pruning.prune_events",
    "job_pruning.prune_keys",
    "delivery_removal.prune",
)


def crash(point: str, scene: Scene, needs: Needs = SHARED) -> Fault:
    """The gateway dies at this point of the scene, and comes back."""

    async def play(customer: Customer) -> str:
        customer.stage.arm(point)
        told = await scene(customer)
        await customer.stage.until(
            lambda: point not in customer.stage.still_armed(), "the gateway died there"
        )
        return f"killed there, started again; {told}"

    return Fault(f"gateway.{point}", play, needs)


def crash_at_start(point: str) -> Fault:
    """The gateway dies, and again as it starts."""

    async def play(customer: Customer) -> str:
        customer.stage.arm(point)
        order = await customer.submit(seconds=1)
        await customer.stage.stack.gateway.kill()
        job = await customer.ended(order)
        return f"killed twice, started again; {job['status']}"

    return Fault(f"gateway.{point}", play)


def gateway_faults() -> list[Fault]:
    """Return all of them."""
    return [
        *(
            crash(f"{call}.{side}", scene)
            for scene, calls in CALLS
            for call in calls
            for side in SIDES
        ),
        crash("effects.lease.before", scenes.job_succeeds),
        crash("effects.lease[submit].after", scenes.job_succeeds),
        *(crash_at_start(f"{call}.{side}") for call in AT_START for side in SIDES),
        *(
            crash(f"{call}.{side}", scenes.days_pass, FOR_DAYS)
            for call in IN_THE_END
            for side in SIDES
        ),
    ]
