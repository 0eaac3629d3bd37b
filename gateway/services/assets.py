"""Use cases of assets: read, download, delete."""

import logging
from dataclasses import dataclass

from gateway.core.upload import Asset
from gateway.ports.asset_store import AssetStore, Deletion
from gateway.ports.clock import Clock
from gateway.ports.object_store import ObjectStore
from gateway.ports.url_signer import SignedUrl, UrlSigner
from shared.errors import Conflict, NotFound, TryAgainLater

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assets:
    """`url_life_s` is how long a download URL lives."""

    store: AssetStore
    objects: ObjectStore
    signer: UrlSigner
    clock: Clock
    url_life_s: int

    async def get(self, tenant: str, asset_id: str) -> Asset:
        """Return the asset. Raises `NotFound`, also for another tenant's."""
        asset = await self.store.get(tenant, asset_id)
        if asset is None:
            raise _missing(asset_id)
        return asset

    async def content_url(self, tenant: str, asset_id: str) -> SignedUrl:
        """Return a URL that downloads the asset under the name it was uploaded with."""
        asset = await self.get(tenant, asset_id)
        return self.signer.sign_get(
            asset.key, expires_s=self.url_life_s, file_name=asset.filename
        )

    async def delete(self, tenant: str, asset_id: str) -> None:
        """Delete the asset and its object.

        Raises `NotFound`, or `Conflict` (`asset_in_use`) while an unfinished job reads it.
        An object that cannot be removed now is removed by the sweep.
        """
        asset = await self.get(tenant, asset_id)
        match await self.store.delete(tenant, asset_id, self.clock.now()):
            case Deletion.MISSING:
                raise _missing(asset_id)
            case Deletion.IN_USE:
                raise Conflict(
                    f"asset {asset_id} is read by a job",
                    public="An unfinished job uses this asset. Cancel it, or wait.",
                    code="asset_in_use",
                )
        try:
            await self.objects.delete(asset.key)
        except TryAgainLater as error:
            log.warning("asset.left_to_sweep", extra={"key": asset.key, "why": str(error)})


def _missing(asset_id: str) -> NotFound:
    return NotFound(
        f"no asset {asset_id}", public="There is no such asset.", code="asset_not_found"
    )
