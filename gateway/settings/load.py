"""From variables to settings: one pure way, for the process environment and files alike."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.settings.aliases import OURS, Given, older_names, resolve
from gateway.settings.model import CLOUDS, GROUPS, Settings
from gateway.settings.production import faults_in_production
from shared.errors import OperatorMustAct

# What the command, the worker and the local stack read, which may share an environment with
# the gateway.
OTHERS = frozenset({"CUTROOM_URL", "CUTROOM_API_KEY"})
OTHERS_PREFIXES = ("CUTROOM_WORKER_",)
LONGEST_KEY = 512  # characters; the front desk does not look at a longer credential


def settings_from(variables: Mapping[str, str]) -> Settings:
    """Return what the variables say. Reads nothing else.

    Raises `OperatorMustAct` naming each variable that is missing, refused or contradicts
    another, and never what it holds.
    """
    given = resolve(variables)
    faults = [*given.faults, *_unfit_keys(given), *_misspelt(given)]
    try:
        settings = Settings.model_validate(_fields(given))
    except ValidationError as error:
        faults += [_sentence(dict(each), given) for each in error.errors()]
    else:
        if not settings.is_development:
            faults += faults_in_production(settings, given)
        if not faults:
            return settings
    raise OperatorMustAct(
        "; ".join(dict.fromkeys(faults)), public="The service is misconfigured."
    )


def load_settings(env_file: Path | None = None) -> Settings:
    """Read the process environment, and a file behind it. Raises as `settings_from`."""
    return settings_from({**(_in_file(env_file) if env_file else {}), **os.environ})


def _in_file(path: Path) -> dict[str, str]:
    # Only where there is a file: starting without one is the usual way, and waits for nothing.
    from dotenv import dotenv_values  # noqa: PLC0415

    if not path.is_file():
        raise OperatorMustAct(
            f"there is no file {path}", public="The service is misconfigured."
        )
    try:
        found = dotenv_values(path, interpolate=False, encoding="utf-8")
    except UnicodeDecodeError:  # which holds all that the file does
        said = f"{path} is no text in UTF-8"
        raise OperatorMustAct(said, public="The service is misconfigured.") from None
    return {name: text for name, text in found.items() if text is not None}


def _unfit_keys(given: Given) -> list[str]:
    """A key must fit into a header as it is."""
    return [
        f"{' and '.join(key.by)} holds a key that no request can bring: printable ASCII, "
        f"{LONGEST_KEY} characters at most"
        for key in given.keys
        if len(key.text) > LONGEST_KEY or not (key.text.isascii() and key.text.isprintable())
    ]


def _misspelt(given: Given) -> list[str]:
    """Name what is none of ours, nor another program's; in a group the group does it."""
    found = []
    for name in given.settings:
        path = name.removeprefix(OURS).lower()
        group, _, rest = path.partition("_")
        known = _is_of_its_own(path) or (group in GROUPS and rest)
        if not known and name not in OTHERS and not name.startswith(OTHERS_PREFIXES):
            found.append(f"{name} is no setting{_meant(name)}")
    return found


def _meant(name: str) -> str:
    # Only where something is wrong: importing it takes longer than all else here.
    from difflib import get_close_matches  # noqa: PLC0415

    own = [f"{OURS}{field.upper()}" for field in Settings.model_fields if field not in GROUPS]
    of_groups = [
        f"{OURS}{group.upper()}_{field.upper()}"
        for group, model in GROUPS.items()
        for field in model.model_fields
    ]
    close = get_close_matches(name, [*own, *of_groups], n=1, cutoff=0.8)
    return f"; is {close[0]} meant?" if close else ""


def _is_of_its_own(path: str) -> bool:
    return path in Settings.model_fields and path not in GROUPS


def _fields(given: Given) -> dict[str, Any]:
    """Sort what is set into the model's groups."""
    settings = given.settings
    environment = settings.get(f"{OURS}ENVIRONMENT")
    bare = environment is not None and environment.text.strip().lower() == "development"
    fields: dict[str, Any] = {} if bare else {name: {} for name in CLOUDS}
    for name, said in settings.items():
        path = name.removeprefix(OURS).lower()
        group, _, rest = path.partition("_")
        if group in GROUPS and rest:
            fields.setdefault(group, {})[rest] = said.text
        elif _is_of_its_own(path):
            fields[path] = said.text
    if given.keys:
        fields["api_keys"] = [key.text for key in given.keys]
    return fields


def _sentence(error: Mapping[str, Any], given: Given) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if message.startswith(OURS):
        return message
    parts = [each.upper() for each in error["loc"] if isinstance(each, str)]
    name = OURS + "_".join(parts)
    match error["type"]:
        case "missing":
            older = ", ".join(older_names(name))
            return f"{name} (or {older}) is not set" if older else f"{name} is not set"
        case "extra_forbidden":
            return f"{name} is no setting"
        case _:
            return f"{given.spelled(name)}: {message}"
