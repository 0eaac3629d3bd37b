"""Everything the environment may set, read once, when the process starts.

`values` are the types, `groups` and `model` what there is, `aliases` the names older systems
gave it, `production` what is refused there, `load` the way from variables to settings, `modes`
what a way of running changes, and `page` the document about it all.
"""

from gateway.settings.groups import (
    BudgetSettings,
    Limits,
    RunpodSettings,
    StoreSettings,
    Timings,
)
from gateway.settings.load import load_settings, settings_from
from gateway.settings.model import Settings
from gateway.settings.modes import on_lambda
from gateway.settings.retention import Retention

__all__ = [
    "BudgetSettings",
    "Limits",
    "Retention",
    "RunpodSettings",
    "Settings",
    "StoreSettings",
    "Timings",
    "load_settings",
    "on_lambda",
    "settings_from",
]
