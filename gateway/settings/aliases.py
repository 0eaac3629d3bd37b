"""The names older systems gave what is set here, read beside our own.

A setting under two names is fine while both say the same; otherwise nobody can tell which is
meant, and the gateway does not start. An older name that is set to nothing is not set. Blanks
around a value count for nothing under any name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.settings.values import listed, origin, web_address

OURS = "CUTROOM_"
ENVIRONMENT, LOG_LEVEL = "CUTROOM_ENVIRONMENT", "CUTROOM_LOG_LEVEL"
API_KEYS, CORS_ORIGINS = "CUTROOM_API_KEYS", "CUTROOM_CORS_ORIGINS"
DATABASE_PATH = "CUTROOM_DATABASE_PATH"
ENDPOINT, BUCKET, REGION = (
    f"CUTROOM_STORE_{name}" for name in ("ENDPOINT_URL", "BUCKET", "REGION")
)
KEY_ID, SECRET = (f"CUTROOM_STORE_{name}" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))

# Each that is set seeds one more key, whatever its form.
KEY_VARIABLES = ("API_KEY", "WORKERS_API_KEY")
# Lambda sets these to its own role's, so they count only where the bucket is said to be S3's.
AWS_ALIASES = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_REGION": REGION,
}
AWS_REGION_ELSE = "us-east-1"
ALIASES = {
    "ENVIRONMENT": ENVIRONMENT,
    "LOG_LEVEL": LOG_LEVEL,
    "CORS_ORIGINS": CORS_ORIGINS,
    "MAX_RETRIES": "CUTROOM_MAX_RETRIES",
    "EXPORT_ROUTE_PREFIX": "CUTROOM_EXPORT_ROUTE_PREFIX",
    "DATABASE_URL": DATABASE_PATH,
    "GCS_BUCKET_NAME": BUCKET,
    "R2_BUCKET": BUCKET,
    "AWS_BUCKET": BUCKET,
    "R2_BUCKET_NAME": BUCKET,
    "R2_ENDPOINT": ENDPOINT,
    "R2_ACCESS_KEY_ID": KEY_ID,
    "R2_SECRET_ACCESS_KEY": SECRET,
}
# Read too, but each in a way of its own.
DERIVING = {"R2_ACCOUNT_ID": ENDPOINT, "DEBUG": LOG_LEVEL, "STORAGE_PROVIDER": None}

_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_SQLITE = "sqlite:///"
_R2_HOST = ".r2.cloudflarestorage.com"


@dataclass(frozen=True, slots=True)
class Said:
    """What a setting is set to, and by which variables, its own or older ones."""

    text: str = field(repr=False)
    by: tuple[str, ...]


@dataclass(slots=True)
class Given:
    """What the variables say, under our own names; keys apart; and what they may not say."""

    settings: dict[str, Said] = field(default_factory=dict)
    keys: list[Said] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def spelled(self, name: str) -> str:
        """Return the variables that hold a setting, else its own name."""
        said = self.settings.get(name)
        return " and ".join(said.by) if said else name

    def say(self, variable: str, name: str, text: str) -> None:
        """Take what a variable says of a setting; refuse it if another said otherwise."""
        said = self.settings.get(name)
        if said is None:
            self.settings[name] = Said(text, (variable,))
        elif _comparable(name, said.text) == _comparable(name, text):
            self.settings[name] = Said(said.text, (*said.by, variable))
        else:
            self.faults.append(f"{' and '.join((*said.by, variable))} contradict each other")


def resolve(variables: Mapping[str, str]) -> Given:
    """Return what all variables together say; unknown ones are somebody else's."""
    given = Given()
    for name, text in variables.items():
        if name.startswith(OURS):
            given.settings[name] = Said(text.strip(), (name,))
    older = {name: text.strip() for name, text in variables.items() if text.strip()}
    _provider(given, older)
    for variable, name in _counting(older).items():
        if variable in older:
            _take(given, variable, name, older[variable])
    _endpoint(given, older)
    _debug(given, older)
    _keys(given, older)
    return given


def older_names(name: str) -> Sequence[str]:
    """Return the other variables a setting may be given in."""
    known = {**ALIASES, **AWS_ALIASES, **DERIVING, **dict.fromkeys(KEY_VARIABLES, API_KEYS)}
    return [variable for variable, target in known.items() if target == name]


def _comparable(name: str, text: str) -> object:
    if name == CORS_ORIGINS:
        return _origins_of(text)
    if name in {ENVIRONMENT, LOG_LEVEL}:
        return text.strip().lower()
    return text.strip().rstrip("/") if name != SECRET else text


def _origins_of(text: str) -> object:
    try:
        return sorted(origin(each) for each in listed(text))
    except ValueError:
        return text


def _uses_s3(older: Mapping[str, str]) -> bool:
    return "AWS_BUCKET" in older or older.get("STORAGE_PROVIDER", "").lower() == "s3"


def _counting(older: Mapping[str, str]) -> Mapping[str, str]:
    """A session's credentials are a role's: what they sign ends with them, in an hour."""
    if not _uses_s3(older) or "AWS_SESSION_TOKEN" in older:
        return ALIASES
    return {**ALIASES, **AWS_ALIASES}


def _take(given: Given, variable: str, name: str, text: str) -> None:
    try:
        read: Callable[[str], str] = _sqlite_path if variable == "DATABASE_URL" else str
        given.say(variable, name, read(text))
    except ValueError as error:
        given.faults.append(f"{variable}: {error}")


def _sqlite_path(url: str) -> str:
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path == ":memory:" or "?" in path:
        raise ValueError("only sqlite:///PATH is understood, without options")
    return path


def _provider(given: Given, older: Mapping[str, str]) -> None:
    if older.get("STORAGE_PROVIDER", "s3").lower() != "s3":
        given.faults.append(
            "STORAGE_PROVIDER: only s3 is understood; files are kept in a bucket, and "
            "`make serve` runs one on this computer"
        )


def _endpoint(given: Given, older: Mapping[str, str]) -> None:
    """Derive the store's address from an account or a region, where it is not named."""
    account, named = older.get("R2_ACCOUNT_ID"), given.settings.get(ENDPOINT)
    if account and not (account.isascii() and account.isalnum() and len(account) <= 64):
        given.faults.append("R2_ACCOUNT_ID: is no account id")
    elif account and named:
        if not _is_of(named.text, account):
            given.faults.append(
                f"{' and '.join(named.by)} and R2_ACCOUNT_ID contradict each other"
            )
    elif account:
        given.say("R2_ACCOUNT_ID", ENDPOINT, f"https://{account}{_R2_HOST}")
    elif named is None and "AWS_BUCKET" in older and not _has_r2(older):
        region = given.settings.get(REGION) or Said(AWS_REGION_ELSE, ("AWS_BUCKET",))
        given.settings.setdefault(REGION, region)
        given.say(region.by[0], ENDPOINT, f"https://s3.{region.text}.amazonaws.com")


def _is_of(endpoint: str, account: str) -> bool:
    """True for an account's own address; its jurisdictions have one each."""
    try:
        host = urlsplit(web_address(endpoint)).hostname or ""
    except ValueError:
        return True  # refused for what it is
    return host.startswith(f"{account.lower()}.") and host.endswith(_R2_HOST)


def _has_r2(older: Mapping[str, str]) -> bool:
    return any(name.startswith("R2_") for name in older if name in ALIASES)


def _debug(given: Given, older: Mapping[str, str]) -> None:
    """`DEBUG` asks for more log lines, where no level is named; no answer changes."""
    debug = older.get("DEBUG", "no").lower()
    if debug not in _YES | _NO:
        given.faults.append("DEBUG: must be true or false")
    elif debug in _YES and LOG_LEVEL not in given.settings:
        given.say("DEBUG", LOG_LEVEL, "DEBUG")


def _keys(given: Given, older: Mapping[str, str]) -> None:
    own = given.settings.get(API_KEYS)
    if own:
        try:
            given.keys += [Said(text, own.by) for text in listed(own.text)]
        except ValueError as error:
            given.faults.append(f"{API_KEYS}: {error}")
    given.keys += [Said(older[each], (each,)) for each in KEY_VARIABLES if each in older]
