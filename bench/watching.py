"""Two thousand people watching a hundred jobs, each of which has an event every second.

Once all by SSE, once all by WebSocket. The reports are a worker's, over HTTP. A watcher's
delay counts from the instant that stands in the event. The gateway's share of a core is what
watching adds to taking the reports.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace

from bench.figures import Figure, Measurement
from bench.gateway_process import GatewayProcess, Secrets, environment, gateway
from bench.talk import Talk, talking
from bench.watchers import Heard, Plan
from bench.workplace import Workplace


def watching(place: Workplace) -> Mapping[str, float]:
    """Watch the gateway that takes the reports, then one that has to find them in the log."""
    effort, known = place.effort, Secrets.fresh()
    with talking(place, "bench.reporting") as workers:
        runpod_url = workers.hear()["runpod_url"]
        env = environment(known, place.room("db") / "bench.sqlite3", runpod_url=runpod_url)
        with gateway(place, "watched", env) as watched:
            workers.say(
                {
                    "submit_to": watched.base_url,
                    "api_key": known.api_key,
                    "jobs": effort.watched_jobs,
                }
            )
            job_ids = workers.hear()["job_ids"]
            unwatched_share = _share(watched, effort.window_s)
            plan = Plan(
                watched.base_url, known.api_key, job_ids, effort.watchers, effort.window_s
            )
            by_sse, sse_share = _watched(place, watched, plan)
            by_socket, socket_share = _watched(place, watched, replace(plan, by="websocket"))
            with gateway(place, "watched", env) as other:
                workers.say({"report_to": other.base_url})
                elsewhere, _ = _watched(place, watched, plan)
    return {
        "watchers_2000_gaps": by_sse.gaps + elsewhere.gaps,
        "watchers_2000_p95_ms": by_sse.p95_ms,
        "watchers_core_share": sse_share - unwatched_share,
        "watchers_2000_websocket_gaps": by_socket.gaps,
        "watchers_2000_websocket_p95_ms": by_socket.p95_ms,
        "watchers_websocket_core_share": socket_share - unwatched_share,
        "watchers_notify_lost_p95_ms": elsewhere.p95_ms,
    }


def _watched(place: Workplace, one: GatewayProcess, plan: Plan) -> tuple[Heard, float]:
    """Return what came in the window, and what part of a core the gateway used in it."""
    with talking(place, "bench.watchers", json.dumps(asdict(plan))) as watchers:
        watchers.hear()
        before_s = one.cpu_s()
        heard = _heard(watchers)
        share = (one.cpu_s() - before_s) / plan.window_s
    _enough(heard, place)
    return heard, share


def _heard(watchers: Talk) -> Heard:
    watchers.say("measure")
    return Heard(**watchers.hear())


def _share(one: GatewayProcess, window_s: float) -> float:
    """The part of a core it uses while nobody watches."""
    before_s = one.cpu_s()
    time.sleep(window_s)
    return (one.cpu_s() - before_s) / window_s


def _enough(heard: Heard, place: Workplace) -> None:
    """Fewer events than this, and what was measured is another load."""
    expected = place.effort.watchers * place.effort.window_s
    if heard.events < 0.8 * expected:
        raise RuntimeError(f"{heard.events} events came, of about {expected:.0f}")


MEASUREMENTS = (
    Measurement(
        (
            Figure("watchers_2000_gaps", "", 0),
            Figure("watchers_2000_p95_ms", "ms", 50, judged=False),
            Figure("watchers_core_share", "", 0.25, judged=False),
            Figure("watchers_2000_websocket_gaps", "", 0),
            Figure("watchers_2000_websocket_p95_ms", "ms", 50, judged=False),
            Figure("watchers_websocket_core_share", "", 0.25, judged=False),
            Figure("watchers_notify_lost_p95_ms", "ms", 1100, judged=False),
        ),
        watching,
    ),
)
