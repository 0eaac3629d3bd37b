"""Settings that share a prefix: the store, RunPod, how much and how long."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.settings.values import (
    GIB,
    MIB,
    Address,
    Bucket,
    Name,
    PerKind,
    PositiveUsd,
    Secret,
)

BudgetUsd = Annotated[Decimal, Field(ge=0, le=100_000_000, decimal_places=6)]


class Group(BaseModel):
    """Variables that share a prefix; one that is misspelt is refused.

    Each field's description is its row in `docs/settings.md`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class StoreSettings(Group):
    """The bucket, `CUTROOM_STORE_…`."""

    endpoint_url: Address = Field(description="the S3 address the gateway calls")
    public_endpoint_url: Address | None = Field(
        default=None,
        description="how browsers and workers reach the bucket, where that is another address",
    )
    bucket: Bucket = Field(description="the one bucket, for all surfaces")
    access_key_id: Name = Field(description="whose key signs")
    secret_access_key: Secret = Field(description="what it signs with")
    region: Name = Field(default="auto", description="`auto` is R2's")

    @property
    def presign_url(self) -> str:
        """The address presigned URLs are made for."""
        return self.public_endpoint_url or self.endpoint_url


class RunpodSettings(Group):
    """Where work runs, `CUTROOM_RUNPOD_…`; the CPU endpoint is optional."""

    base_url: Address = Field(
        default="https://api.runpod.ai/v2", description="RunPod's serverless API"
    )
    api_key: Secret = Field(description="RunPod's key")
    gpu_endpoint: Name = Field(description="the endpoint's id")
    gpu_slots: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=3, description="its most workers"
    )
    gpu_rate_usd_per_s: PositiveUsd = Field(  # RTX 4090, flex, November 2026
        default=Decimal("0.00031"), description="its price, in dollars a second"
    )
    cpu_endpoint: Name | None = Field(
        default=None,
        description="for work that needs no GPU; unset, that runs on the GPU endpoint",
    )
    cpu_slots: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=200, description="its most jobs at once"
    )
    cpu_rate_usd_per_s: PositiveUsd | None = Field(
        default=None, description="its price; needed where it is set"
    )
    cold_start_s: Annotated[float, Field(ge=0, le=600)] = Field(
        default=20.0, description="what is billed before a job, counted into its reserve"
    )
    idle_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=5.0, description="what is billed after a job, counted into its reserve"
    )

    @model_validator(mode="after")
    def _a_cpu_endpoint_has_a_rate(self) -> Self:
        if self.cpu_endpoint is not None and self.cpu_rate_usd_per_s is None:
            raise ValueError(
                "CUTROOM_RUNPOD_CPU_ENDPOINT is set without CUTROOM_RUNPOD_CPU_RATE_USD_PER_S"
            )
        if self.cpu_endpoint == self.gpu_endpoint:
            raise ValueError(
                "CUTROOM_RUNPOD_CPU_ENDPOINT equals CUTROOM_RUNPOD_GPU_ENDPOINT; "
                "leave it unset to run everything there"
            )
        return self


class BudgetSettings(Group):
    """How much a tenant may spend for which nothing else is set, `CUTROOM_BUDGET_…`."""

    day_usd: BudgetUsd | None = Field(
        default=None,
        description="what a tenant may spend in a day (UTC), reserves counted; unset is no "
        "cap. `cutroom budget` sets it for one tenant",
    )
    month_usd: BudgetUsd | None = Field(
        default=None, description="the same for a calendar month (UTC)"
    )

    @model_validator(mode="after")
    def _a_day_is_part_of_a_month(self) -> Self:
        if self.day_usd and self.month_usd and self.day_usd > self.month_usd:
            raise ValueError("CUTROOM_BUDGET_DAY_USD is over CUTROOM_BUDGET_MONTH_USD")
        return self


class Limits(Group):
    """How much is taken, `CUTROOM_LIMITS_…`."""

    json_body_bytes: Annotated[int, Field(ge=1024, le=64 * MIB)] = Field(
        default=MIB, description="bytes of a request's JSON"
    )
    export_body_bytes: Annotated[int, Field(ge=1024, le=64 * MIB)] = Field(
        default=3 * MIB // 2, description="the same on the exports surface"
    )
    json_depth: Annotated[int, Field(ge=4, le=200)] = Field(
        default=32, description="how deep it may nest"
    )
    headers: Annotated[int, Field(ge=20, le=1000)] = Field(
        default=100, description="headers of one request"
    )
    head_bytes: Annotated[int, Field(ge=4096, le=MIB)] = Field(
        default=65_536, description="bytes of a request's address and headers together"
    )
    requests_per_s: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        default=200.0,
        description="requests of one tenant a second, in one process, in the long run",
    )
    requests_burst: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=2000, description="how many of them may come at once"
    )
    wrong_keys_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=60,
        description="wrong API keys from one address, at once and a minute, in one process",
    )
    upload_bytes: Annotated[int, Field(ge=1, le=5 * 1024 * GIB)] = Field(
        default=5 * GIB, description="bytes of one upload; over 5 GiB only in parts"
    )
    stored_bytes_per_tenant: Annotated[int, Field(ge=1)] = Field(
        default=1024 * GIB,
        description="bytes one tenant may store: uploads, promised ones too, and outputs",
    )
    open_jobs_per_tenant: Annotated[int, Field(ge=1)] = Field(
        default=1000, description="unfinished jobs of one tenant"
    )
    running_per_kind: PerKind = Field(
        default=(),
        description="how many jobs of a kind may be at work on one endpoint, as "
        "`export.framing=2, …`; a kind that is not named may take every slot",
    )
    labels: Annotated[int, Field(ge=0, le=100)] = Field(
        default=16, description="labels of one job"
    )
    webhook_endpoints_per_tenant: Annotated[int, Field(ge=0, le=100)] = Field(
        default=10, description="webhook endpoints of one tenant"
    )
    watchers_per_job: Annotated[int, Field(ge=1)] = Field(
        default=100, description="streams, sockets and waiting polls on one job"
    )
    watchers_per_tenant: Annotated[int, Field(ge=1)] = Field(
        default=1000, description="the same on all jobs of one tenant, in one process"
    )
    wait_s_max: Annotated[float, Field(ge=0, le=25)] = Field(
        default=25.0, description="the longest a request is held; at most 5 on Lambda"
    )


class Timings(Group):
    """How long things take, `CUTROOM_TIMINGS_…`, in seconds; shorter in tests."""

    tick_s: Annotated[float, Field(gt=0, le=60)] = Field(
        default=1.0, description="how often lost work is looked for"
    )
    gap_s: Annotated[float, Field(gt=0)] = Field(
        default=15.0,
        description="a pause between ticks that is not counted as workers' silence; "
        "at least 120 on Lambda",
    )
    suspect_after_s: Annotated[float, Field(gt=0)] = Field(
        default=15.0, description="silence of a worker until RunPod is asked about it"
    )
    lost_after_s: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="silence until it is lost whatever RunPod says"
    )
    effect_lease_s: Annotated[float, Field(gt=0)] = Field(
        default=30.0, description="until another process may perform an effect"
    )
    url_s: Annotated[int, Field(ge=60, le=604_800)] = Field(  # a week is S3's own limit
        default=3600, description="life of signed URLs for reading"
    )
    upload_url_s: Annotated[int, Field(ge=60, le=604_800)] = Field(
        default=3600, description="life of signed URLs for uploads"
    )
    multipart_url_s: Annotated[int, Field(ge=60, le=604_800)] = Field(
        default=86_400,
        description="the same for uploads in parts: how long all of one may take",
    )
    export_upload_url_s: Annotated[int, Field(ge=60, le=43_200)] = Field(
        default=900, description="the same for the inputs of exports"
    )
    webhook_deliveries_kept_s: Annotated[float, Field(ge=3600)] = Field(
        default=604_800, description="how long the log of webhook deliveries is kept"
    )
    ticket_s: Annotated[int, Field(ge=5, le=3600)] = Field(
        default=60, description="how long a job's ticket opens a connection"
    )
    slow_watcher_s: Annotated[float, Field(gt=0, le=300)] = Field(
        default=10.0, description="how long a watcher may leave what it was sent unread"
    )
    events_kept_s: Annotated[float, Field(gt=0)] = Field(
        default=86_400.0, description="how long after its end a job keeps all its events"
    )
    idempotency_keys_kept_s: Annotated[float, Field(ge=86_400)] = Field(
        default=86_400.0, description="how long the key of an ended job is kept"
    )
    ready_cache_s: Annotated[float, Field(ge=0)] = Field(
        default=5.0, description="how long `/readyz` remembers"
    )

    @model_validator(mode="after")
    def _suspicion_comes_first(self) -> Self:
        if self.suspect_after_s > self.lost_after_s:
            raise ValueError(
                "CUTROOM_TIMINGS_SUSPECT_AFTER_S is later than CUTROOM_TIMINGS_LOST_AFTER_S"
            )
        return self
