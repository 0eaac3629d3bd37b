"""The gateway as a process of its own.

    python -m infra.local.stack.gateway_server PORT

It reads its settings from the environment, which is all that the stack hands it.
"""

import sys

import uvicorn

from infra.local.stack.ports import LOOPBACK
from infra.local.stack.serving import SHUTDOWN_S

# Named, not imported: the stack runs programs and knows none from inside.
APP = "gateway.entrypoints.local:app"
WS_PING_S = 20.0


def main(port: int) -> None:
    """Serve until SIGTERM."""
    uvicorn.run(
        APP,
        factory=True,
        host=LOOPBACK,
        port=port,
        log_config=None,  # the gateway's own: JSON lines
        access_log=False,  # a query may hold a ticket
        server_header=False,
        ws_ping_interval=WS_PING_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
