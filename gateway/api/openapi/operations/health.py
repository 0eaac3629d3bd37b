"""What is said of the routes of health."""

from types import MappingProxyType

from gateway.api.openapi.models import Alive, Readiness
from gateway.api.openapi.operation import Access, Answer, Content, Operation, ok

_READY = {"status": "ready", "checks": {"database": "ok", "store": "ok"}}
_UNREADY = {"status": "unready", "checks": {"database": "ok", "store": "fail"}}

_METRICS = '# TYPE cutroom_jobs gauge\ncutroom_jobs{status="queued"} 2.0\n'

OPERATIONS = MappingProxyType(
    {
        "alive": Operation(
            tag="health",
            access=Access.OPEN,
            summary="Is the process alive?",
            says="Answers as long as the process does and asks nothing of anything else. For a "
            "liveness probe.",
            answers=(ok("It is.", Alive, {"status": "ok"}),),
        ),
        "ready": Operation(
            tag="health",
            access=Access.OPEN,
            summary="Can it serve?",
            says="Asks the database and the object store; the findings are kept for a few "
            "seconds. For a readiness probe: 503 takes the process out of rotation.",
            answers=(
                ok("Everything it stands on answers.", Readiness, _READY),
                ok("Something does not.", Readiness, _UNREADY, status=503),
            ),
        ),
        "metrics": Operation(
            tag="health",
            access=Access.ADMIN,
            summary="How is it doing?",
            says="Counts and times of requests, jobs, effects and watchers, in the text format "
            "of Prometheus.",
            answers=(
                Answer(
                    200,
                    "The page.",
                    (Content({"type": "string"}, {"default": _METRICS}, "text/plain"),),
                ),
            ),
        ),
    }
)
