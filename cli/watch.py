"""`cutroom watch`: a job's events as they come."""

from typing import Annotated

import typer

from cli.board import board, console
from cli.job_tables import SECRET
from cli.jobs_shown import follow, summary, why_not
from cli.said_plainly import JobEnded, said_plainly
from cli.server import ApiKey, Url, find_server
from client import Cutroom


def watch(
    job_id: Annotated[str, typer.Argument(help="The job's id.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each event as a line of JSON.")
    ] = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Show a job's progress to its end. Ctrl-C stops watching; the job goes on."""
    with said_plainly(), find_server(url, api_key).client() as client:
        if as_json:
            _print_events(client, job_id)
            return
        screen, job = console(), client.job(job_id)
        with board(screen) as on:
            done = follow(client, job_id, on.track(job.kind.rpartition(".")[2]))
        screen.print(summary(done), markup=False)


def _print_events(client: Cutroom, job_id: str) -> None:
    job = None
    for event in client.events(job_id):
        print(event.model_dump_json(exclude={"job": SECRET}), flush=True)
        job = event.job
    if job is not None and job.status != "succeeded":
        raise JobEnded(why_not(job))
