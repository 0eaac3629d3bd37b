"""All settings of a gateway, as they are handed down."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gateway.settings.groups import (
    BudgetSettings,
    Group,
    Limits,
    RunpodSettings,
    StoreSettings,
    Timings,
)
from gateway.settings.retention import Retention
from gateway.settings.values import (
    Address,
    FilePath,
    Keys,
    LongSecret,
    Origins,
    RoutePrefix,
    Targets,
    lower,
    upper,
)


class Settings(Group):
    """A field's variable is CUTROOM_ and its name in capitals, the group's in between.

    Without `store` or `runpod`, which development alone may leave out, the gateway starts and
    is not ready.
    """

    environment: Annotated[Literal["production", "development"], BeforeValidator(lower)] = (
        Field(
            default="production",
            description="`development` opens `/docs` and may lack keys, store and RunPod",
        )
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(upper)
    ] = Field(
        default="INFO",
        description="JSON lines on standard output; `DEBUG` is our own lines alone, for "
        "libraries write out headers there",
    )
    database_path: FilePath = Field(description="the SQLite file")
    public_base_url: Address = Field(
        description="where browsers and workers reach this gateway"
    )
    token_secret: LongSecret = Field(
        description="signs workers' tokens and tickets; 32 characters or more"
    )
    api_keys: Keys = Field(
        default=(),
        description="keys of the tenant `default`, with all scopes, as a list with commas or "
        "in JSON; two work while one replaces the other. Production needs one",
    )
    cors_origins: Origins = Field(
        default=(),
        description="pages that may call the API, as a list with commas or in JSON; `*` is "
        "refused",
    )
    outgoing_allow: Targets = Field(
        default=(),
        description="hosts, addresses and networks that may be called for a tenant though "
        "they are not public, by plain HTTP too: `hooks.local, 10.1.0.0/16`. Everything else "
        "must be a public address over https",
    )
    max_retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=2, description="further attempts after one that failed for a passing reason"
    )
    export_route_prefix: RoutePrefix = Field(
        default="/api/export",
        description="where the exports surface has its project and export routes",
    )
    store: StoreSettings | None = None
    runpod: RunpodSettings | None = None
    budget: BudgetSettings = BudgetSettings()
    limits: Limits = Limits()
    timings: Timings = Timings()
    retention: Retention = Retention()

    @property
    def is_development(self) -> bool:
        """True where `/docs` and plain HTTP are fine, and keys may be missing."""
        return self.environment == "development"


GROUPS: dict[str, type[Group]] = {
    "store": StoreSettings,
    "runpod": RunpodSettings,
    "budget": BudgetSettings,
    "limits": Limits,
    "timings": Timings,
    "retention": Retention,
}
# Required in production, all or nothing in development.
CLOUDS = ("store", "runpod")
