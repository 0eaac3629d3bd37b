"""What a way of running changes in the settings; nobody has to set it."""

from gateway.settings.model import Settings

LAMBDA_WAIT_S = 5.0  # an execution environment is paid for as long as a request is held
LAMBDA_GAP_S = 120.0  # a schedule ticks once a minute, and may be late


def on_lambda(settings: Settings) -> Settings:
    """Return the settings as they hold on AWS Lambda."""
    limits, timings = settings.limits, settings.timings
    wait_s = min(limits.wait_s_max, LAMBDA_WAIT_S)
    gap_s = max(timings.gap_s, LAMBDA_GAP_S)
    return settings.model_copy(
        update={
            "limits": limits.model_copy(update={"wait_s_max": wait_s}),
            "timings": timings.model_copy(update={"gap_s": gap_s}),
        }
    )
