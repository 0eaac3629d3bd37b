"""What production refuses, beyond what is refused everywhere."""

from collections.abc import Iterator

from gateway.settings.aliases import API_KEYS, KEY_VARIABLES, SECRET, Given, Said
from gateway.settings.model import Settings
from gateway.settings.values import is_private

KEY_LENGTH_MIN = 24
OLDER_KEY_LENGTH_MIN = 8  # other systems made these, and their clients hold them
# Words that stand in a secret only while nobody has chosen one.
PLACEHOLDERS = (
    *("change", "placeholder", "example", "your-", "your_", "dev-secret", "dev-key"),
    *("insecure", "replace-", "replace_", "xxxx", "<"),
)
_SECRETS = ("CUTROOM_TOKEN_SECRET", SECRET, "CUTROOM_RUNPOD_API_KEY")


def faults_in_production(settings: Settings, given: Given) -> Iterator[str]:
    """Yield a sentence for each thing that may not be there, naming the variables."""
    if not given.keys:
        names = f"{API_KEYS} (or {', '.join(KEY_VARIABLES)})"
        yield f"{names} holds no key, and production needs one"
    for key in given.keys:
        shortest = OLDER_KEY_LENGTH_MIN if key.by[0] in KEY_VARIABLES else KEY_LENGTH_MIN
        if len(key.text) < shortest:
            yield f"{_names(key)} holds a key of fewer than {shortest} characters"
    named = [given.settings[name] for name in _SECRETS if name in given.settings]
    for said in [*named, *given.keys]:
        if any(word in said.text.lower() for word in PLACEHOLDERS):
            yield f"{_names(said)} still holds a placeholder"
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


def _names(said: Said) -> str:
    return " and ".join(said.by)
