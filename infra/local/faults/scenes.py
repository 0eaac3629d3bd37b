"""The ways of jobs and files that faults are played in; each ends as it should, or says."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from infra.local.faults.customer import PART_BYTES, VIDEO, Customer
from infra.local.faults.stage import NotSurvived
from infra.local.object_store.faults import Wrong
from infra.local.runpod.faults import FaultKind

Scene = Callable[[Customer], Awaitable[str]]

WORK_S = 3.0  # of a job that something is to happen to meanwhile


def _tells(job: dict[str, object]) -> str:
    return f"{job['status']} in attempt {job['attempt']}"


async def job_succeeds(customer: Customer) -> str:
    """A file is uploaded, a job of it is submitted, and it succeeds."""
    order = await customer.submit(asset_id=await customer.uploaded(), seconds=0.5)
    return _tells(await customer.ended(order))


async def job_is_cancelled(customer: Customer) -> str:
    """A job is cancelled at work, and stays so."""
    order = await customer.submit(seconds=20)
    await customer.at_work(order)
    await customer.cancelled(order)
    return _tells(await customer.ended(order, "cancelled"))


async def job_loses_its_worker(customer: Customer) -> str:
    """A worker is killed at work; the next attempt succeeds."""
    order = await customer.submit(seconds=WORK_S)
    await customer.at_work(order)
    worker = await customer.stage.worker_of(order.job_id)
    customer.stage.tell_worker(worker, signal.SIGKILL)
    job = await customer.ended(order)
    if job["attempt"] < 2:
        raise NotSurvived(f"it took {job['attempt']} attempts")
    return _tells(job)


async def job_is_refused(customer: Customer) -> str:
    """RunPod will not have our key: the job fails, and it is the operator's move."""
    customer.stage.runpod_fails(FaultKind.REFUSE_RUN, "401", count=None)
    job = await customer.ended(await customer.submit(), "failed")
    if job["error"]["who"] != "operator":
        raise NotSurvived(f"the next move is {job['error']['who']}'s")
    return f"failed for the {job['error']['who']}"


async def job_is_forgotten(customer: Customer) -> str:
    """RunPod forgets a job that waits for a worker; it is submitted again."""
    customer.stage.runpod_fails(FaultKind.SLOW_QUEUE, delay_s=600)
    customer.stage.runpod_fails(FaultKind.FORGET)
    job = await customer.ended(await customer.submit())
    return f"{_tells(job)}, submitted again"


async def job_expires(customer: Customer) -> str:
    """A job whose deadline passes before a worker takes it expires."""
    customer.stage.runpod_fails(FaultKind.SLOW_QUEUE, delay_s=600)
    job = await customer.ended(await customer.submit(deadline_s=2), "expired")
    return _tells(job)


async def submission_is_put_off(customer: Customer) -> str:
    """RunPod is away for a moment."""
    customer.stage.runpod_fails(FaultKind.REFUSE_RUN, "503", count=1)
    return _tells(await customer.ended(await customer.submit()))


async def ended_before_it_was_submitted(customer: Customer) -> str:
    """RunPod's answer to a submission comes after the job was cancelled."""
    customer.stage.arm("compute.submit.after", deed="pause")
    order = await customer.submit(seconds=20)
    await customer.stage.until(
        lambda: "compute.submit.after" not in customer.stage.still_armed(), "it is submitted"
    )
    await customer.cancelled(order)
    return _tells(await customer.ended(order, "cancelled"))


async def file_in_parts(customer: Customer) -> str:
    """A file is uploaded in two parts and becomes an asset."""
    data = VIDEO + bytes(PART_BYTES)
    upload = await customer.promised(data, multipart=True)
    path = f"/v1/uploads/{upload['upload_id']}"
    signed = await customer.said("POST", f"{path}/parts", json={"part_numbers": [1, 2]})
    cut = upload["multipart"]["part_size_bytes"]
    parts = []
    for part, body in zip(signed["parts"], (data[:cut], data[cut:]), strict=True):
        etag = await customer.put_part(part, body)
        parts.append({"part_number": part["part_number"], "etag": etag})
    await customer.completed(upload["upload_id"], parts=parts)
    return "an asset of two parts"


async def parts_are_let_go(customer: Customer) -> str:
    """An upload in parts is called off."""
    upload = await customer.promised(VIDEO + bytes(PART_BYTES), multipart=True)
    return await _called_off(customer, upload["upload_id"])


async def upload_is_called_off(customer: Customer) -> str:
    """A file is put and its upload called off."""
    upload = await customer.promised()
    await customer.put(upload)
    return await _called_off(customer, upload["upload_id"])


async def _called_off(customer: Customer, upload_id: str) -> str:
    for _ in range(2):
        answer = await customer.call("DELETE", f"/v1/uploads/{upload_id}")
        if answer.status_code != 204:
            raise NotSurvived(f"DELETE: {answer.status_code}")
    shown = await customer.said("GET", f"/v1/uploads/{upload_id}")
    if shown["status"] != "aborted":
        raise NotSurvived(f"the upload is {shown['status']}")
    return "the upload is aborted"


async def asset_is_deleted(customer: Customer) -> str:
    """An asset is deleted, and is there no more."""
    path = f"/v1/assets/{await customer.uploaded()}"
    for _ in range(2):
        answer = await customer.call("DELETE", path)
        if answer.status_code not in (204, 404):
            raise NotSurvived(f"DELETE: {answer.status_code}")
    if (await customer.call("GET", path)).status_code != 404:
        raise NotSurvived("the asset is still there")
    return "the asset is gone"


async def job_is_deleted(customer: Customer) -> str:
    """A job that succeeded is deleted, with all it made."""
    order = await customer.submit()
    await customer.ended(order)
    await customer.deleted(order)
    return "the job is gone"


async def result_is_used_again(customer: Customer) -> str:
    """The same work is asked for once more, and the earlier result given for nothing."""
    first = await customer.submit()
    made = await customer.ended(first)
    again = await customer.order({**first.body, "reuse": True})
    job = await customer.ended(again)
    if again.job_id == first.job_id or job["outputs"][0]["key"] != made["outputs"][0]["key"]:
        raise NotSurvived("the earlier result was not given")
    return f"{job['status']} with the earlier result"


async def export_input_is_renewed(customer: Customer) -> str:
    """The exports surface promises an input, and promises it again."""
    asked = {"filename": "clip.mp4", "size_bytes": len(VIDEO)}
    first = await customer.said("POST", "/api/videos/upload-url", json=asked)
    again = {**asked, "job_id": first["video_key"].split("/")[1]}
    second = await customer.said("POST", "/api/videos/upload-url", json=again)
    if first["video_key"] != second["video_key"]:
        raise NotSurvived("the input got another key")
    return "the same key again"


async def project_is_made(customer: Customer) -> str:
    """A project gets a working video and a clip, and then another video."""
    for number in (1, 2):
        key = await customer.export_input()
        await customer.said("PUT", "/api/export/projects/7", json={"working_video_key": key})
        clip = {"source_video_key": key, "start_time": 0, "end_time": 1}
        await customer.said("PUT", f"/api/export/projects/7/clips/{number}", json=clip)
    return "a project with its clips"


async def days_pass(customer: Customer) -> str:
    """All that was ever left over comes due: uploads, attempts' objects, deleted jobs' rows."""
    abandoned = await customer.promised()
    await customer.put(abandoned)
    await parts_are_let_go(customer)
    await customer.promised(VIDEO + bytes(PART_BYTES), multipart=True)
    await customer.export_input()
    await asset_is_deleted(customer)
    customer.stage.store_fails(Wrong.MISSING, method="HEAD", key_prefix="output/")
    kept = await customer.submit()
    await customer.ended(kept)
    gone = await customer.submit(asset_id=await customer.uploaded())
    await customer.ended(gone)
    await customer.deleted(gone)
    customer.stage.pass_days()
    await asyncio.sleep(0)
    return "swept"
