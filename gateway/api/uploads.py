"""Uploads: promise, look, complete, abort."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from gateway.api.assets import AssetView, asset_view
from gateway.api.auth import UploadCaller, authenticate, credential_of
from gateway.core.snapshot import timestamp
from gateway.core.upload import Upload, UploadStatus
from gateway.services.uploads import UploadRequest, Uploads
from shared.errors import Unauthenticated
from shared.job_kind import Wire

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])


def uploads_of(connection: HTTPConnection) -> Uploads:
    """Return the use cases that bootstrap left on the application."""
    found: Uploads = connection.app.state.uploads
    return found


UploadUseCases = Annotated[Uploads, Depends(uploads_of)]


async def upload_tenant(
    upload_id: str, connection: HTTPConnection, uploads: UploadUseCases
) -> str:
    """Return whose upload the caller may use: by its ticket, or by a key with `uploads`."""
    credential = credential_of(connection)
    if not uploads.tickets.is_one(credential):
        return (await authenticate(connection, "uploads")).tenant
    tenant = uploads.tickets.tenant_of(credential, upload_id, uploads.clock.now())
    if tenant is None:
        raise Unauthenticated("bad upload ticket", public="The ticket is not valid here.")
    return tenant


Tenant = Annotated[str, Depends(upload_tenant)]


class NothingMore(Wire):
    """The body of a completion in one PUT: `{}`."""


class UploadView(BaseModel):
    """An upload as its owner sees it; URL, headers and ticket while it can be used."""

    upload_id: str
    status: UploadStatus
    key: str
    filename: str
    content_type: str
    size_bytes: int
    method: str
    url: str | None
    headers: dict[str, str]
    expires_at: str
    multipart: None
    asset_id: str | None
    ticket: str | None


def _view(uploads: Uploads, upload: Upload) -> UploadView:
    signed = uploads.put_url(upload)
    return UploadView(
        upload_id=upload.upload_id,
        status=upload.status,
        key=upload.key,
        filename=upload.filename,
        content_type=upload.content_type,
        size_bytes=upload.size_bytes,
        method="PUT",
        url=signed.url if signed else None,
        headers=dict(signed.headers) if signed else {},
        expires_at=_shown(upload.expires_at),
        multipart=None,
        asset_id=upload.asset_id,
        ticket=uploads.ticket(upload) if signed else None,
    )


def _shown(at: datetime) -> str:
    return timestamp(at) or ""


@router.post("", status_code=201)
async def create_upload(
    asked: UploadRequest, caller: UploadCaller, uploads: UploadUseCases, response: Response
) -> UploadView:
    """Promise one file; the answer says where and how to PUT it."""
    upload = await uploads.create(caller.tenant, asked)
    response.headers["Location"] = f"/v1/uploads/{upload.upload_id}"
    response.headers["Cache-Control"] = "no-store"
    return _view(uploads, upload)


@router.get("/{upload_id}")
async def read_upload(
    upload_id: str, tenant: Tenant, uploads: UploadUseCases, response: Response
) -> UploadView:
    """Read one upload; while it is pending its URL is signed anew."""
    response.headers["Cache-Control"] = "no-store"
    return _view(uploads, await uploads.get(tenant, upload_id))


@router.post("/{upload_id}/complete")
async def complete_upload(
    upload_id: str, tenant: Tenant, uploads: UploadUseCases, _: NothingMore | None = None
) -> AssetView:
    """Make what was put an asset; again gives the same one."""
    return asset_view(await uploads.complete(tenant, upload_id))


@router.delete("/{upload_id}", status_code=204)
async def abort_upload(upload_id: str, tenant: Tenant, uploads: UploadUseCases) -> None:
    """Call it off and remove what was put."""
    await uploads.abort(tenant, upload_id)
