"""`cutroom watch`: a job's events as they come."""

from typing import Annotated

import typer

from cli.board import board, console
from cli.jobs_shown import follow, summary
from cli.said_plainly import said_plainly
from cli.server import ApiKey, Url, find_server


def watch(
    job_id: Annotated[str, typer.Argument(help="The job's id.")],
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Show a job's progress to its end. Ctrl-C stops watching; the job goes on."""
    screen = console()
    with said_plainly(), find_server(url, api_key).client() as client:
        job = client.job(job_id)
        with board(screen) as on:
            done = follow(client, job_id, on.track(job.kind.rpartition(".")[2]))
        screen.print(summary(done), markup=False)
