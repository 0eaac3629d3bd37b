"""Assets: read, download, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from gateway.api.auth import Reader, UploadCaller
from gateway.core.snapshot import timestamp
from gateway.core.upload import Asset
from gateway.services.assets import Assets

router = APIRouter(prefix="/v1/assets", tags=["assets"])


async def assets_of(connection: HTTPConnection) -> Assets:
    """Return the use cases that bootstrap left on the application."""
    found: Assets = connection.app.state.assets
    return found


AssetUseCases = Annotated[Assets, Depends(assets_of)]


class AssetView(BaseModel):
    """An asset as its owner sees it; `sha256` and `probe` come when a worker has seen it."""

    asset_id: str
    key: str
    filename: str
    content_type: str
    size_bytes: int
    etag: str
    sha256: str | None
    probe: dict[str, Any] | None
    created_at: str


def asset_view(asset: Asset) -> AssetView:
    """Return the asset object of `/v1`."""
    return AssetView(
        asset_id=asset.asset_id,
        key=asset.key,
        filename=asset.filename,
        content_type=asset.content_type,
        size_bytes=asset.size_bytes,
        etag=asset.etag,
        sha256=asset.sha256,
        probe=asset.probe,
        created_at=timestamp(asset.created_at) or "",
    )


@router.get("/{asset_id}")
async def read_asset(asset_id: str, caller: Reader, assets: AssetUseCases) -> AssetView:
    """Read one asset."""
    return asset_view(await assets.get(caller.tenant, asset_id))


@router.get("/{asset_id}/content", status_code=307)
async def download_asset(
    asset_id: str, caller: Reader, assets: AssetUseCases
) -> RedirectResponse:
    """Go on to a signed URL, which saves under the name the file was uploaded with."""
    signed = await assets.content_url(caller.tenant, asset_id)
    return RedirectResponse(signed.url, 307, {"Cache-Control": "no-store"})


@router.delete("/{asset_id}", status_code=204)
async def delete_asset(asset_id: str, caller: UploadCaller, assets: AssetUseCases) -> None:
    """Delete one asset and its object, unless an unfinished job reads it."""
    await assets.delete(caller.tenant, asset_id)
