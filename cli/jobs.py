"""`cutroom jobs`: list, show, cancel, retry and delete jobs; fetch what they made."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.board import board, console
from cli.job_tables import as_json_object, details, table
from cli.jobs_shown import follow, summary, why_not
from cli.said_plainly import EXIT_STATUS, JobEnded, TypedWrongly, said_plainly
from cli.server import ApiKey, Url, find_server
from client import Job

app = typer.Typer(no_args_is_help=True, help="Jobs, newest first.", epilog=EXIT_STATUS)

JobId = Annotated[str, typer.Argument(help="The job's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, without signed URLs.")]
STATUSES = "queued, running, succeeded, failed, cancelled or expired"


@app.command("list", epilog=EXIT_STATUS)
def list_jobs(
    status: Annotated[str | None, typer.Option("--status", help=f"{STATUSES}.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="As export.framing.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="NAME=VALUE", help="May be given several times."),
    ] = None,
    parent: Annotated[str | None, typer.Option("--parent", help="A job's id.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The most.")] = 20,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """List jobs, narrowed by all that is said."""
    with said_plainly():
        labels = dict(_label(each) for each in label or ())
        with find_server(url, api_key).client() as client:
            found = list(
                client.jobs(
                    status=status, kind=kind, labels=labels, parent_id=parent, limit=limit
                )
            )
        if as_json:
            print(json.dumps([as_json_object(job) for job in found], indent=2))
        elif found:
            console().print(table(found))
        else:
            console(stderr=True).print("no jobs")


@app.command(epilog=EXIT_STATUS)
def show(
    job_id: JobId, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None
) -> None:
    """Show one job as it stands."""
    with said_plainly(), find_server(url, api_key).client() as client:
        _print(client.job(job_id), as_json)


@app.command(epilog=EXIT_STATUS)
def cancel(
    job_id: JobId, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None
) -> None:
    """Cancel a job; again is harmless."""
    with said_plainly(), find_server(url, api_key).client() as client:
        job = client.cancel(job_id)
        print(
            json.dumps(as_json_object(job), indent=2) if as_json else f"{job.id} {job.status}"
        )


@app.command(epilog=EXIT_STATUS)
def retry(
    job_id: JobId,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Make a new job of one that failed, was cancelled or expired, and print its id."""
    with said_plainly(), find_server(url, api_key).client() as client:
        job = client.retry(job_id)
        print(json.dumps(as_json_object(job), indent=2) if as_json else job.id)
        if watch:
            screen = console(stderr=True)
            with board(screen) as on:
                done = follow(client, job.id, on.track(job.kind.rpartition(".")[2]))
            screen.print(summary(done), markup=False)


@app.command(epilog=EXIT_STATUS)
def delete(
    job_id: JobId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Delete a job that has ended, with its files."""
    with said_plainly(), find_server(url, api_key).client() as client:
        if not yes:
            if not sys.stdin.isatty():
                raise TypedWrongly("--yes is needed where nobody can be asked")
            typer.confirm(f"Delete {job_id} and its files?", abort=True)
        client.delete(job_id)
        print(f"{job_id} deleted")


@app.command(epilog=EXIT_STATUS)
def download(
    job_id: JobId,
    out: Annotated[
        Path, typer.Option("--out", "-o", dir_okay=False, help="The file to write.")
    ],
    name: Annotated[str, typer.Option("--output", help="Which of its outputs.")] = "video",
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Fetch what a job made; the file appears once size and hash are right."""
    with said_plainly(), find_server(url, api_key).client() as client:
        job = client.job(job_id)
        wanted = next((each for each in job.outputs if each.name == name), None)
        if wanted is None:
            raise _nothing_there(job, name)
        with board(console(stderr=True)) as on:
            track = on.track("download")

            def show(done: int, total: int) -> None:
                track.tell(f"{total / 1e6:.1f} MB", done / total)

            client.download(wanted, out, show)
        print(out)


def _nothing_there(job: Job, name: str) -> Exception:
    if job.is_final and job.status != "succeeded":
        return JobEnded(why_not(job))
    made = ", ".join(each.name for each in job.outputs) or "nothing yet"
    return TypedWrongly(f"{job.id} has no output {name}; it has made {made}")


def _print(job: Job, as_json: bool) -> None:
    if as_json:
        print(json.dumps(as_json_object(job), indent=2))
    else:
        console().print(details(job))


def _label(text: str) -> tuple[str, str]:
    name, is_pair, value = text.partition("=")
    if not (name and is_pair and value):
        raise TypedWrongly("--label is NAME=VALUE")
    return name, value
