"""Ingest in the worker's own children: what never ends is ended, what is a bomb refused."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from gpu_worker.sandbox.child_messages import ChildTask, Done, Limits, Probed
from gpu_worker.sandbox.children import Children, Grace
from gpu_worker.sandbox.zygote_process import clean_environment
from shared.errors import JobFailed
from tests.support.image_bytes import jpeg_header, png, webp_header

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

MIB = 1024 * 1024
LIMITS = Limits(memory_bytes=2048 * MIB, cpu_s=60, file_bytes=64 * MIB, open_files=64)


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    made = Children(
        command=(sys.executable, "-m", "gpu_worker.sandbox.zygote", "gpu_worker.kinds"),
        environment=clean_environment(os.environ, numba_cache_dir=""),
        at_once=1,
        oom_kills=lambda: None,
        grace=Grace(unwind_s=0.2, gone_s=30),
    )
    made.start()
    yield made
    made.close()


def task_of(source: Path, scratch: Path, **limits: Any) -> ChildTask:
    scratch.mkdir()
    return ChildTask(
        kind="media.ingest",
        input={"source": {"asset_id": "a1"}},
        files={"source": str(source)},
        scratch=str(scratch),
        limits=LIMITS.model_copy(update=limits),
        log_fields={"job_id": "job-1", "fence": 1},
    )


async def ingested(children: Children, task: ChildTask) -> tuple[Done, dict[str, Any]]:
    heard: list[Any] = []
    done = await children.run(task, heard.append)
    (facts,) = [each.facts for each in heard if isinstance(each, Probed)]
    return done, facts


async def failure_of(children: Children, task: ChildTask) -> JobFailed:
    with pytest.raises(JobFailed) as failed:
        await children.run(task, lambda _: None)
    return failed.value


def left_running(children: Children) -> list[psutil.Process]:
    return psutil.Process(children.start().pid).children(recursive=True)


async def test_d05_a_decoder_that_never_ends_is_a_timeout_and_leaves_no_process(
    children: Children, tmp_path: Path
) -> None:
    """A Matroska of a few bytes and then 64 GiB of nothing, which is searched for a start."""
    source = tmp_path / "in.mp4"
    header = b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska"
    with source.open("wb") as file:
        file.write(header)
        file.truncate(64 * 1024 * MIB)

    failure = await failure_of(children, task_of(source, tmp_path / "work", cpu_s=1))

    assert failure.what == "timeout"
    assert left_running(children) == []


async def test_d05_a_reader_that_waits_for_ever_ends_with_its_attempt(
    children: Children, tmp_path: Path
) -> None:
    source = tmp_path / "in.mp4"
    os.mkfifo(source)
    running = asyncio.create_task(
        children.run(task_of(source, tmp_path / "work"), lambda _: None)
    )
    opened = await asyncio.to_thread(os.open, source, os.O_WRONLY)  # once the child reads

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    os.close(opened)
    assert left_running(children) == []
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        png(60_000, 60_000, 8, 2, (b"IDAT", b"")),
        jpeg_header(60_000, 60_000),
        webp_header(16_383, 16_383),
    ],
    ids=["png", "jpeg", "webp"],
)
async def test_d11_a_bomb_is_refused_in_words_and_not_for_want_of_memory(
    children: Children, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "in").write_bytes(content)

    failure = await failure_of(
        children, task_of(tmp_path / "in", tmp_path / "work", memory_bytes=1024 * MIB)
    )

    assert failure.what == "input_unreadable"
    assert "50 megapixels" in failure.public


async def test_a_large_photo_is_made_small_in_little_memory(
    children: Children, tmp_path: Path
) -> None:
    """48 megapixels are 137 MiB of RGB; they are decoded at a quarter of their size."""
    rows = np.tile(np.linspace(0, 255, 8000).astype(np.uint8), (6000, 1))
    Image.fromarray(rows).convert("RGB").save(tmp_path / "in", "JPEG", quality=85)
    Image.new("RGB", (8, 8)).save(tmp_path / "small", "PNG")
    plain, _ = await ingested(children, task_of(tmp_path / "small", tmp_path / "first"))

    done, facts = await ingested(children, task_of(tmp_path / "in", tmp_path / "work"))

    assert (facts["width_px"], facts["height_px"]) == (8000, 6000)
    assert done.result["thumbnail_width_px"] == 512
    assert done.usage.peak_memory_bytes is not None
    assert plain.usage.peak_memory_bytes is not None
    assert done.usage.peak_memory_bytes - plain.usage.peak_memory_bytes < 64 * MIB
