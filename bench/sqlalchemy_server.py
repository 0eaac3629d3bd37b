"""The peer of a submit: the same promises, kept with the stack that most would take.

`python -m bench.sqlalchemy_server`, with a gateway's settings in the environment. FastAPI,
pydantic, SQLAlchemy's ORM with a session for each request in FastAPI's threads, and SQLite
as durable as ours: WAL, `synchronous=FULL`, one transaction for job, event, reserve, effect
and binding, begun with the write lock, so that nobody loses a race in its middle.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import uuid4

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import (
    CursorResult,
    Engine,
    ForeignKey,
    Index,
    String,
    create_engine,
    event,
    func,
    select,
    update,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import QueuePool

from bench.measured_kind import SUBMITTED, MeasuredInput
from bench.serving import serve_until_told
from gateway.settings import Settings, load_settings

WAIT_S = 30.0


class Base(DeclarativeBase):
    """The peer's tables."""


class Tenant(Base):
    """Who owns jobs, with how many are open."""

    __tablename__ = "tenants"
    id: Mapped[str] = mapped_column(primary_key=True)
    open_jobs: Mapped[int] = mapped_column(default=0)


class Key(Base):
    """An API key, by the hash of its secret."""

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))


class Job(Base):
    """A job's row."""

    __tablename__ = "jobs"
    __table_args__ = (Index("jobs_waiting", "endpoint", "status", "created_at"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    status: Mapped[str]
    waiting_for: Mapped[str | None]
    input: Mapped[str]
    labels: Mapped[str]
    endpoint: Mapped[str]
    version: Mapped[int] = mapped_column(default=0)
    seq: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    deadline_at: Mapped[datetime]


class JobEvent(Base):
    """A line of a job's log, with its snapshot."""

    __tablename__ = "events"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    body: Mapped[str]


class Reserve(Base):
    """What an attempt may cost."""

    __tablename__ = "ledger"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    reserved_micro_usd: Mapped[int]


class Effect(Base):
    """What the world is to be told."""

    __tablename__ = "effects"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    due_at: Mapped[datetime] = mapped_column(index=True)


class Asked(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(max_length=128)
    input: MeasuredInput
    labels: dict[str, str] = Field(default_factory=dict)


class Taken(BaseModel):
    """A job as its owner reads it."""

    id: str
    kind: str
    status: str
    waiting_for: str | None
    seq: int
    labels: dict[str, str]
    created_at: str
    deadline_at: str
    input: MeasuredInput
    position: int


def engine_at(path: Path) -> Engine:
    """Return an engine on a file with the peer's tables."""
    # One connection: who waits for it is woken at once, where SQLite's own lock has whoever
    # meets it sleep and look again, which took several times as long with 32 at once.
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"check_same_thread": False},
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=WAIT_S,
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours to say
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    Base.metadata.create_all(engine)
    return engine


def _session(request: Request) -> Iterator[Session]:
    with request.app.state.sessions() as session:
        yield session


def submit_job(
    asked: Asked,
    request: Request,
    session: Annotated[Session, Depends(_session)],
    authorization: Annotated[str, Header()] = "",
) -> Taken:
    """Take one job."""
    settings: Settings = request.app.state.settings
    tenant = _tenant(session, authorization.removeprefix("Bearer "))
    if asked.kind != SUBMITTED.name:
        raise HTTPException(422, "there is no such kind of job")
    room = Tenant.open_jobs < settings.limits.open_jobs_per_tenant
    counted = update(Tenant).where(Tenant.id == tenant, room)
    done = session.execute(counted.values(open_jobs=Tenant.open_jobs + 1))
    if not cast("CursorResult[Any]", done).rowcount:
        raise HTTPException(429, "too many jobs are open")
    job = _job(asked, tenant, settings.runpod.gpu_endpoint if settings.runpod else "")
    shown = _shown(job)
    line = json.dumps({"seq": 0, "type": "queued", "at": shown["created_at"], "job": shown})
    session.add(job)
    session.flush()  # the others name it
    session.add_all(
        (
            JobEvent(job_id=job.id, seq=0, type="queued", body=line),
            Reserve(job_id=job.id, attempt=1, reserved_micro_usd=15_000),
            Effect(id=str(uuid4()), kind="dispatch", job_id=job.id, due_at=job.created_at),
        )
    )
    session.commit()
    session.refresh(job)  # as FastAPI's own tutorial has it; ours reads twice afterwards too
    in_front = (
        select(func.count())
        .select_from(Job)
        .where(
            Job.endpoint == job.endpoint,
            Job.status == "queued",
            Job.created_at < job.created_at,
        )
    )
    return Taken(**_shown(job), input=asked.input, position=session.scalar(in_front) or 0)


def _tenant(session: Session, credential: str) -> str:
    key = session.get(Key, credential.split("_")[1]) if credential.count("_") == 2 else None
    digest = hashlib.sha256(credential.encode()).hexdigest()
    if key is None or not hmac.compare_digest(key.sha256, digest):
        raise HTTPException(401, "a valid API key is needed")
    return key.tenant


def _job(asked: Asked, tenant: str, endpoint: str) -> Job:
    now = datetime.now(UTC)
    return Job(
        id=str(uuid4()),
        tenant=tenant,
        kind=asked.kind,
        status="queued",
        waiting_for="slot",
        input=asked.input.model_dump_json(),
        labels=json.dumps(asked.labels),
        endpoint=endpoint,
        created_at=now,
        deadline_at=now + timedelta(seconds=SUBMITTED.deadline_s),
    )


def _shown(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "waiting_for": job.waiting_for,
        "seq": 0,
        "labels": json.loads(job.labels),
        "created_at": job.created_at.isoformat(),
        "deadline_at": job.deadline_at.isoformat(),
    }


def peer(settings: Settings) -> FastAPI:
    """Return the app on the settings' database, with their keys in it."""
    engine = engine_at(settings.database_path)
    app = FastAPI()
    app.state.settings = settings
    app.state.sessions = sessionmaker(engine)
    app.post("/v1/jobs", status_code=202)(submit_job)
    with Session(engine) as session:
        session.merge(Tenant(id="default"))
        for key in settings.api_keys:
            text = key.get_secret_value()
            digest = hashlib.sha256(text.encode()).hexdigest()
            session.merge(Key(id=text.split("_")[1], tenant="default", sha256=digest))
        session.commit()
    return app


if __name__ == "__main__":
    asyncio.run(serve_until_told(peer(load_settings()), lifespan="off"))
