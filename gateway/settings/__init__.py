"""Everything the environment may set, read once, when the process starts.

`values` are the types, `groups` and `model` what there is, `aliases` the names older systems
gave it, `production` what is refused there, `load` the way from variables to settings and
`page` the document about it all.
"""

from gateway.settings.groups import Limits, RunpodSettings, StoreSettings, Timings
from gateway.settings.load import load_settings, settings_from
from gateway.settings.model import Settings

__all__ = [
    "Limits",
    "RunpodSettings",
    "Settings",
    "StoreSettings",
    "Timings",
    "load_settings",
    "settings_from",
]
