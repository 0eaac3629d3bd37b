"""What tests of the inputs of exports do at an upload desk."""

import pytest

from tests.support.upload_desk import MP4


async def promise(desk, tenant="default", **fields):
    """Return an upload and its URL, for a video of a thousand bytes unless told otherwise."""
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": len(MP4)}
    return await desk.exports.promise(tenant, **{**asked, "job_id": None, **fields})


async def put(desk, signed, body=MP4, **headers):
    return (await desk.bucket.put(signed.url, body, {**signed.headers, **headers})).status


async def an_input(desk, **fields):
    """Promise and put; return the upload."""
    upload, signed = await promise(desk, **fields)
    assert await put(desk, signed) == 200
    return upload


async def take(desk, upload, tenant="default"):
    return await desk.exports.take(tenant, upload.key)


async def refused(error, call):
    """Return the code with which a call is refused."""
    with pytest.raises(error) as caught:
        await call
    return caught.value.what
