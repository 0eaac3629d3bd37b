"""Everything the environment may set, read once, when the process starts."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.errors import OperatorMustAct

MIB, GIB = 2**20, 2**30
KEY_LENGTH_MIN = 24
TOKEN_SECRET_LENGTH_MIN = 32
# Words that stand in a secret only while nobody has chosen one.
PLACEHOLDERS = ("change", "placeholder", "example", "your-", "your_", "dev-secret", "xxxx", "<")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _listed(value: Any) -> Any:
    """Read `a, b` and `["a", "b"]` alike; blanks count for nothing."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        value = json.loads(value)
        return [each for each in value if each] if isinstance(value, list) else value
    return [each.strip() for each in value.split(",") if each.strip()]


def _web_address(value: str) -> str:
    """Accept http and https without user, query or fragment; drop the last slash."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https address")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must hold no user, query or fragment")
    return value.rstrip("/")


def _origin(value: str) -> str:
    if value == "*":
        raise ValueError("* would let every site in; name the origins")
    parts = urlsplit(_web_address(value))
    if parts.path not in {"", "/"}:
        raise ValueError("an origin has no path: scheme, host and port alone")
    return f"{parts.scheme}://{parts.netloc}"


def _chosen(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("must not be empty")
    return value


Address = Annotated[str, AfterValidator(_web_address)]
Secret = Annotated[SecretStr, AfterValidator(_chosen)]
Name = Annotated[str, Field(min_length=1, max_length=256)]
PositiveUsd = Annotated[Decimal, Field(gt=0, le=1)]
Keys = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_listed)]
Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed)
]


class _Group(BaseModel):
    """Variables that share a prefix; one that is misspelt is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class StoreSettings(_Group):
    """The object store, `CUTROOM_STORE_…`.

    `endpoint_url` is how the gateway reaches it, `public_endpoint_url` how browsers and
    workers do, where that differs.
    """

    endpoint_url: Address
    public_endpoint_url: Address | None = None
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    access_key_id: Name
    secret_access_key: Secret
    region: Name = "auto"

    @property
    def presign_url(self) -> str:
        """The address presigned URLs are made for."""
        return self.public_endpoint_url or self.endpoint_url


class RunpodSettings(_Group):
    """Where work runs, `CUTROOM_RUNPOD_…`; the CPU endpoint is optional."""

    base_url: Address = "https://api.runpod.ai/v2"
    api_key: Secret
    gpu_endpoint: Name
    gpu_slots: Annotated[int, Field(ge=1, le=1000)] = 3
    gpu_rate_usd_per_s: PositiveUsd = Decimal("0.00031")  # RTX 4090, flex, November 2026
    cpu_endpoint: Name | None = None
    cpu_slots: Annotated[int, Field(ge=1, le=10_000)] = 200
    cpu_rate_usd_per_s: PositiveUsd | None = None
    cold_start_s: Annotated[float, Field(ge=0, le=600)] = 20.0
    idle_s: Annotated[float, Field(ge=0, le=3600)] = 5.0

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


class Limits(_Group):
    """How much is taken, `CUTROOM_LIMITS_…`."""

    json_body_bytes: Annotated[int, Field(ge=1024, le=64 * MIB)] = MIB
    json_depth: Annotated[int, Field(ge=4, le=200)] = 32
    upload_bytes: Annotated[int, Field(ge=1, le=5 * GIB)] = 5 * GIB  # of one PUT, in S3
    open_jobs_per_tenant: Annotated[int, Field(ge=1)] = 1000
    labels: Annotated[int, Field(ge=0, le=100)] = 16  # of one job
    watchers_per_job: Annotated[int, Field(ge=1)] = 100
    wait_s_max: Annotated[float, Field(ge=0, le=25)] = 25.0


class Timings(_Group):
    """How long things take, `CUTROOM_TIMINGS_…`, in seconds; shorter in tests."""

    tick_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    gap_s: Annotated[float, Field(gt=0)] = 15.0
    suspect_after_s: Annotated[float, Field(gt=0)] = 15.0
    lost_after_s: Annotated[float, Field(gt=0)] = 60.0
    effect_lease_s: Annotated[float, Field(gt=0)] = 30.0
    url_s: Annotated[int, Field(ge=60, le=604_800)] = 3600  # a week is S3's own limit
    upload_url_s: Annotated[int, Field(ge=60, le=604_800)] = 3600
    ready_cache_s: Annotated[float, Field(ge=0)] = 5.0

    @model_validator(mode="after")
    def _suspicion_comes_first(self) -> Self:
        if self.suspect_after_s > self.lost_after_s:
            raise ValueError(
                "CUTROOM_TIMINGS_SUSPECT_AFTER_S is later than CUTROOM_TIMINGS_LOST_AFTER_S"
            )
        return self


class Settings(BaseSettings):
    """Variables are spelled CUTROOM_ and the field's name in capitals, groups in between.

    `public_base_url` is where browsers and workers reach this gateway.
    """

    model_config = SettingsConfigDict(
        env_prefix="CUTROOM_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="ignore",  # a .env file is shared with others
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    environment: Literal["production", "development"] = "production"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    database_path: Path
    public_base_url: Address
    token_secret: Secret
    api_keys: Keys = ()
    cors_origins: Origins = ()
    max_retries: Annotated[int, Field(ge=0, le=10)] = 2
    store: StoreSettings
    runpod: RunpodSettings
    limits: Limits = Limits()
    timings: Timings = Timings()

    @property
    def is_development(self) -> bool:
        """True where `/docs` and plain HTTP are fine, and keys may be missing."""
        return self.environment == "development"

    @model_validator(mode="after")
    def _secrets_are_long(self) -> Self:
        if len(self.token_secret.get_secret_value()) < TOKEN_SECRET_LENGTH_MIN:
            raise ValueError(
                f"CUTROOM_TOKEN_SECRET has fewer than {TOKEN_SECRET_LENGTH_MIN} characters"
            )
        return self

    @model_validator(mode="after")
    def _production_is_closed(self) -> Self:
        if self.is_development:
            return self
        if not self.api_keys:
            raise ValueError("CUTROOM_API_KEYS holds no key, and production needs one")
        for key in self.api_keys:
            if len(key.get_secret_value()) < KEY_LENGTH_MIN:
                raise ValueError(
                    f"CUTROOM_API_KEYS holds a key of fewer than {KEY_LENGTH_MIN} characters"
                )
        named = {
            "CUTROOM_TOKEN_SECRET": self.token_secret,
            "CUTROOM_STORE_SECRET_ACCESS_KEY": self.store.secret_access_key,
            "CUTROOM_RUNPOD_API_KEY": self.runpod.api_key,
        }
        for name, secret in [*named.items(), *(("CUTROOM_API_KEYS", k) for k in self.api_keys)]:
            if any(word in secret.get_secret_value().lower() for word in PLACEHOLDERS):
                raise ValueError(f"{name} still holds a placeholder")
        for name, address in {
            "CUTROOM_PUBLIC_BASE_URL": self.public_base_url,
            "CUTROOM_STORE_PUBLIC_ENDPOINT_URL": self.store.presign_url,
        }.items():
            if not _is_private(address):
                raise ValueError(f"{name} is plain http; what is sent there are credentials")
        return self


def _is_private(address: str) -> bool:
    """True for https, and for http that never leaves the machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or parts.hostname in LOOPBACK


def load_settings(env_file: Path | None = None) -> Settings:
    """Read the process environment, and a file behind it.

    Raises `OperatorMustAct` naming each variable that is missing or refused, and never
    what it holds.
    """
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        found = [_sentence(each["loc"], each["msg"]) for each in error.errors()]
        raise OperatorMustAct(
            "; ".join(found), public="The service is misconfigured."
        ) from None  # pydantic's own text can show what a variable holds


def _sentence(at: Sequence[str | int], message: str) -> str:
    message = message.removeprefix("Value error, ")
    if message.startswith("CUTROOM_"):
        return message
    name = "_".join(each.upper() for each in at if isinstance(each, str))
    return f"CUTROOM_{name}: {message}"
