"""What a worker is told by its environment, and nothing else."""

from urllib.parse import quote

from infra.local.runpod.config import EmulatorConfig, EndpointConfig


def worker_environment(
    account: EmulatorConfig,
    endpoint: EndpointConfig,
    pod_id: str,
    base_url: str,
    worker_key: str,
) -> dict[str, str]:
    """Return the whole environment of one worker; `$ID` and its like are the SDK's to fill."""
    root = f"{base_url}/v2/{endpoint.name}"
    gpu = quote(endpoint.gpu or "CPU", safe="")
    return {
        "PATH": account.worker_path,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "RUNPOD_POD_ID": pod_id,
        "RUNPOD_ENDPOINT_ID": endpoint.name,
        "RUNPOD_AI_API_KEY": worker_key,  # empty would mean no pings
        "RUNPOD_WEBHOOK_GET_JOB": f"{root}/job-take/$ID?gpu={gpu}",
        "RUNPOD_WEBHOOK_POST_OUTPUT": f"{root}/job-done/$RUNPOD_POD_ID/$ID?gpu={gpu}",
        "RUNPOD_WEBHOOK_POST_STREAM": f"{root}/job-stream/$RUNPOD_POD_ID/$ID?gpu={gpu}",
        "RUNPOD_WEBHOOK_PING": f"{root}/ping/$RUNPOD_POD_ID",
        "RUNPOD_PING_INTERVAL": str(account.ping_every_s * 1000),
        "RUNPOD_LOG_LEVEL": "INFO",  # DEBUG, the default, prints inputs and links
        "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
        "RUNPOD_SKIP_GPU_CHECK": "true",
    } | dict(endpoint.env)
