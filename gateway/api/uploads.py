"""Uploads: promise, sign parts, look, complete, abort."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import HTTPConnection

from gateway.api.assets import AssetView, asset_view
from gateway.api.auth import UploadCaller
from gateway.api.credentials import authenticate, credential_of, ticket_holder
from gateway.core.snapshot import timestamp
from gateway.core.upload import PARTS_MAX, Upload, UploadStatus
from gateway.ports.multipart_store import PartToJoin, StoredPart
from gateway.services.uploads import UploadRequest, Uploads
from shared.job_kind import Wire

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])


async def uploads_of(connection: HTTPConnection) -> Uploads:
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
    now = uploads.clock.now()
    return await ticket_holder(
        connection, uploads.tickets.tenant_of(credential, upload_id, now)
    )


Tenant = Annotated[str, Depends(upload_tenant)]


PARTS_SIGNED_MAX = 100


def _distinct(numbers: list[int]) -> list[int]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("names a part twice")
    return numbers


PartNumber = Annotated[int, Field(ge=1, le=PARTS_MAX, strict=True)]
# As the store gave it to the browser; some browsers' code keeps the quotes around it.
ETag = Annotated[str, Field(pattern=r'^"?[0-9A-Za-z_+/=-]{1,128}"?$')]


class PartsRequest(Wire):
    """Which parts to sign."""

    part_numbers: Annotated[
        list[PartNumber],
        Field(min_length=1, max_length=PARTS_SIGNED_MAX, fail_fast=True),
        AfterValidator(_distinct),
    ]


class PutPart(Wire):
    """A part as the browser put it."""

    part_number: PartNumber
    etag: ETag


class Completion(Wire):
    """The body of a completion: `{}` after one PUT, or all parts in order."""

    parts: (
        Annotated[list[PutPart], Field(min_length=1, max_length=PARTS_MAX, fail_fast=True)]
        | None
    ) = None


class MultipartView(BaseModel):
    """Into what the file is cut; all parts are equal but the last."""

    part_size_bytes: int
    part_count: int


class PartView(BaseModel):
    """A part that has arrived."""

    part_number: int
    etag: str
    size_bytes: int


class SignedPartView(BaseModel):
    """Where one part is put, and with what headers."""

    part_number: int
    url: str
    headers: dict[str, str]
    size_bytes: int


class SignedPartsView(BaseModel):
    """In the order they were asked for."""

    parts: list[SignedPartView]


class UploadView(BaseModel):
    """An upload as its owner sees it; URL, headers and ticket while it can be used.

    `parts` that have arrived, of a pending upload in parts.
    """

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
    multipart: MultipartView | None
    parts: list[PartView] | None
    asset_id: str | None
    ticket: str | None


def _view(
    uploads: Uploads, upload: Upload, arrived: Sequence[StoredPart] | None = None
) -> UploadView:
    signed = uploads.put_url(upload)
    cut = upload.part_size_bytes
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
        multipart=MultipartView(part_size_bytes=cut, part_count=upload.part_count)
        if cut
        else None,
        parts=[PartView(**asdict(part)) for part in arrived] if arrived is not None else None,
        asset_id=upload.asset_id,
        ticket=uploads.ticket(upload) if uploads.is_open(upload) else None,
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
    return _view(uploads, upload, [] if upload.part_size_bytes else None)


@router.get("/{upload_id}")
async def read_upload(
    upload_id: str, tenant: Tenant, uploads: UploadUseCases, response: Response
) -> UploadView:
    """Read one upload; while it is pending its URL is signed anew.

    Of one in parts it tells which have arrived, so that a browser can go on where it was.
    """
    response.headers["Cache-Control"] = "no-store"
    upload = await uploads.get(tenant, upload_id)
    return _view(uploads, upload, await uploads.arrived(upload))


@router.post("/{upload_id}/parts")
async def sign_upload_parts(
    upload_id: str,
    tenant: Tenant,
    uploads: UploadUseCases,
    asked: PartsRequest,
    response: Response,
) -> SignedPartsView:
    """Sign a URL for each of these parts."""
    response.headers["Cache-Control"] = "no-store"
    upload = await uploads.get(tenant, upload_id)
    signed = await uploads.in_parts.sign(upload, asked.part_numbers)
    return SignedPartsView(
        parts=[
            SignedPartView(
                part_number=part.part_number,
                url=part.signed.url,
                headers=dict(part.signed.headers),
                size_bytes=part.size_bytes,
            )
            for part in signed
        ]
    )


@router.post("/{upload_id}/complete")
async def complete_upload(
    upload_id: str, tenant: Tenant, uploads: UploadUseCases, said: Completion | None = None
) -> AssetView:
    """Make what was put an asset, joining its parts if it has any; again gives the same one."""
    parts = None
    if said is not None and said.parts is not None:
        parts = [PartToJoin(part.part_number, part.etag.strip('"')) for part in said.parts]
    return asset_view(await uploads.complete(tenant, upload_id, parts))


@router.delete("/{upload_id}", status_code=204)
async def abort_upload(upload_id: str, tenant: Tenant, uploads: UploadUseCases) -> None:
    """Call it off and remove what was put."""
    await uploads.abort(tenant, upload_id)
