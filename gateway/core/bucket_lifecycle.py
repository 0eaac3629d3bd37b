"""What the bucket removes by itself, in R2's form: the backstop behind the gateway's sweeps.

Keys have the layout of `object_keys`. Only what no rule of ours can still need by its age
alone is named: uploads in parts that nobody joined, and outputs where those are kept for a
time. Assets stay for as long as something uses them, which no age says.
"""

from datetime import timedelta
from typing import Any

from gateway.core.job import LONGEST_LIFE
from gateway.core.upload import PUTS_LAND_WITHIN

# The gateway is first; the bucket comes where it did not.
_BEHIND = timedelta(days=1)


def bucket_lifecycle(
    *, multipart_life: timedelta, outputs_kept: timedelta | None
) -> dict[str, Any]:
    """Return the document for `wrangler r2 bucket lifecycle set`.

    `multipart_life`: how long the URLs of an upload in parts live. `outputs_kept`: how long
    outputs are kept after they were made; None is for ever.
    """
    rules = [_rule("abort-uploads", "", "abort", multipart_life + PUTS_LAND_WITHIN + _BEHIND)]
    if outputs_kept is not None:
        # Put at most a job's life before its end, and read at most another one's life longer.
        rules.append(
            _rule(
                "expire-outputs", "output/", "delete", outputs_kept + 2 * LONGEST_LIFE + _BEHIND
            )
        )
    return {"rules": rules}


_TRANSITIONS = {"abort": "abortMultipartUploadsTransition", "delete": "deleteObjectsTransition"}


def _rule(name: str, prefix: str, what: str, age: timedelta) -> dict[str, Any]:
    return {
        "id": name,
        "enabled": True,
        "conditions": {"prefix": prefix},
        _TRANSITIONS[what]: {
            "condition": {"type": "Age", "maxAge": int(age.total_seconds())},
        },
    }
