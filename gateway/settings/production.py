"""What production refuses, beyond what is refused everywhere."""

import re
from collections.abc import Iterable, Iterator, Sequence

from gateway.settings.aliases import (
    API_KEYS,
    BUCKET,
    ENDPOINT,
    KEY_ID,
    KEY_VARIABLES,
    SECRET,
    Given,
    Said,
)
from gateway.settings.model import Settings
from gateway.settings.values import is_private

KEY_LENGTH_MIN = 24
OLDER_KEY_LENGTH_MIN = 8  # other systems made these, and their clients hold them
# Words that stand in a secret only while nobody has chosen one.
PLACEHOLDERS = (
    *("change", "placeholder", "example", "your-", "your_", "dev-secret", "dev-key"),
    *("insecure", "replace-", "replace_", "xxx", "<", "todo", "fixme"),
)
# The same for what is no secret, where a word may be part of a name that was chosen.
UNCHOSEN = ("your-", "your_", "changeme", "change-me", "change_me", "placeholder", "<")
# A reference that nothing has filled in, and one character over and over.
_NO_TEXT = re.compile(r"\$\{?\w+\}?|\{\{.*\}\}|(.)\1*")
_SECRETS = ("CUTROOM_TOKEN_SECRET", SECRET, "CUTROOM_RUNPOD_API_KEY")
_NAMES = (
    *("CUTROOM_PUBLIC_BASE_URL", ENDPOINT, "CUTROOM_STORE_PUBLIC_ENDPOINT_URL", BUCKET),
    *(KEY_ID, "CUTROOM_RUNPOD_GPU_ENDPOINT", "CUTROOM_RUNPOD_CPU_ENDPOINT"),
)


def faults_in_production(settings: Settings, given: Given) -> Iterator[str]:
    """Yield a sentence for each thing that may not be there, naming the variables."""
    if not given.keys:
        names = f"{API_KEYS} (or {', '.join(KEY_VARIABLES)})"
        yield f"{names} holds no key, and production needs one"
    for key in given.keys:
        shortest = OLDER_KEY_LENGTH_MIN if key.by[0] in KEY_VARIABLES else KEY_LENGTH_MIN
        if len(key.text) < shortest:
            yield f"{_names(key)} holds a key of fewer than {shortest} characters"
    yield from _unchosen(given)
    public = {"CUTROOM_PUBLIC_BASE_URL": settings.public_base_url}
    if settings.store:
        name = (
            "CUTROOM_STORE_PUBLIC_ENDPOINT_URL"
            if settings.store.public_endpoint_url
            else "CUTROOM_STORE_ENDPOINT_URL"
        )
        public[name] = settings.store.presign_url
    for name, address in public.items():
        if not is_private(address):
            yield f"{given.spelled(name)} is plain http; what is sent there are credentials"


def _unchosen(given: Given) -> Iterator[str]:
    """Name what nobody has chosen yet, and secrets that are one."""
    secrets = [given.settings[name] for name in _SECRETS if name in given.settings]
    secrets += given.keys
    names = [given.settings[name] for name in _NAMES if name in given.settings]
    for said in secrets:
        if _is_placeholder(said.text, PLACEHOLDERS):
            yield f"{_names(said)} still holds a placeholder"
    for said in names:
        if _is_placeholder(said.text, UNCHOSEN):
            yield f"{_names(said)} still holds a placeholder"
    yield from _shared(secrets)


def _is_placeholder(text: str, words: Iterable[str]) -> bool:
    return any(word in text.lower() for word in words) or bool(_NO_TEXT.fullmatch(text))


def _shared(secrets: Sequence[Said]) -> Iterator[str]:
    """Name secrets that are one: who is given the one for its sake has the other too."""
    for number, said in enumerate(secrets):
        for other in secrets[number + 1 :]:
            if other.text == said.text and other.by != said.by and not _are_keys(said, other):
                yield f"{_names(said)} and {_names(other)} hold the same secret"


def _are_keys(*said: Said) -> bool:
    """True for keys of callers, of which the same one may stand under several names."""
    return all({*each.by} <= {API_KEYS, *KEY_VARIABLES} for each in said)


def _names(said: Said) -> str:
    return " and ".join(said.by)
