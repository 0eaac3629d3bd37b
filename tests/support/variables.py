"""The variables of a gateway that starts, and reading them with changes."""

from gateway.settings import Settings, settings_from

A_KEY = "ck_one_" + "a2" * 26
GOOD = {
    "CUTROOM_DATABASE_PATH": "data/cutroom.db",
    "CUTROOM_PUBLIC_BASE_URL": "https://cutroom.test/",
    "CUTROOM_TOKEN_SECRET": "k3" * 20,
    "CUTROOM_API_KEYS": A_KEY,
    "CUTROOM_STORE_ENDPOINT_URL": "https://store.test",
    "CUTROOM_STORE_BUCKET": "cutroom",
    "CUTROOM_STORE_ACCESS_KEY_ID": "access",
    "CUTROOM_STORE_SECRET_ACCESS_KEY": "s9" * 20,
    "CUTROOM_RUNPOD_API_KEY": "r7" * 20,
    "CUTROOM_RUNPOD_GPU_ENDPOINT": "gpu1",
}


def read(**changes: str | None) -> Settings:
    """Read the good variables with these changes; None takes a variable away."""
    changed = {**GOOD, **changes}
    return settings_from({name: text for name, text in changed.items() if text is not None})


def without(*names: str) -> dict[str, None]:
    """Return the changes that take these away."""
    return dict.fromkeys(names)
