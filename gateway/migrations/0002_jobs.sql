-- Jobs and all that one change writes together: ops, events, effects, attempts, ledger.

-- A batch's own token. A repeat breaks the key and is answered with the stored outcome;
-- a guard that missed breaks the check and takes the whole batch with it.
CREATE TABLE ops (
    op TEXT PRIMARY KEY,
    job_id TEXT,
    at TEXT NOT NULL,
    outcome TEXT,
    guards_needed BIGINT NOT NULL DEFAULT 0,
    guards_met BIGINT,
    CONSTRAINT guards_hold CHECK (guards_met IS NULL OR guards_met = guards_needed)
);
CREATE INDEX ops_by_time ON ops (at);

CREATE TABLE endpoints (
    name TEXT PRIMARY KEY,
    taken BIGINT NOT NULL DEFAULT 0,
    op TEXT
);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    kind TEXT NOT NULL,
    kind_version BIGINT NOT NULL,
    stages TEXT NOT NULL,
    input TEXT NOT NULL,
    files TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    max_attempts BIGINT NOT NULL,
    limit_s DOUBLE PRECISION NOT NULL,
    estimated_micro_usd BIGINT NOT NULL,
    reserve_micro_usd BIGINT NOT NULL,
    rate_micro_usd_per_s DOUBLE PRECISION NOT NULL,
    created_at TEXT NOT NULL,
    deadline_at TEXT NOT NULL,
    trace TEXT NOT NULL,
    labels TEXT NOT NULL,
    status TEXT NOT NULL,
    waiting_for TEXT,
    stage TEXT,
    progress DOUBLE PRECISION NOT NULL,
    seq BIGINT NOT NULL,
    version BIGINT NOT NULL,
    op TEXT,
    fence BIGINT NOT NULL,
    nonce TEXT,
    attempt_state TEXT NOT NULL,
    runpod_job_id TEXT,
    submission BIGINT NOT NULL,
    holds_slot BIGINT NOT NULL,
    claimed_at TEXT,
    attempt_deadline_at TEXT,
    attempt_ended_at TEXT,
    seen_at TEXT,
    progress_event_at TEXT,
    checkpoint TEXT,
    result TEXT,
    outputs TEXT NOT NULL,
    warnings TEXT NOT NULL,
    error TEXT,
    parent_id TEXT,
    retry_of TEXT,
    retry_at TEXT,
    started_at TEXT,
    finished_at TEXT
);
CREATE INDEX jobs_of_tenant ON jobs (tenant, id);
CREATE INDEX jobs_waiting ON jobs (endpoint, waiting_for, created_at);
CREATE INDEX jobs_holding ON jobs (endpoint, holds_slot, tenant);
CREATE INDEX jobs_by_deadline ON jobs (status, deadline_at);
CREATE INDEX jobs_by_silence ON jobs (status, seen_at);

CREATE TABLE job_assets (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    asset_id TEXT NOT NULL REFERENCES assets (id),
    PRIMARY KEY (job_id, asset_id)
);
CREATE INDEX job_assets_by_asset ON job_assets (asset_id);

CREATE TABLE idempotency_keys (
    tenant TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    job_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (tenant, route, idempotency_key)
);

CREATE TABLE events (
    job_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
);

CREATE TABLE effects (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    job_id TEXT,
    body TEXT NOT NULL,
    due_at TEXT NOT NULL,
    lease_until TEXT NOT NULL,
    lease_op TEXT,
    tries BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    done_at TEXT
);
CREATE INDEX effects_due ON effects (done_at, due_at);

CREATE TABLE attempts (
    job_id TEXT NOT NULL,
    fence BIGINT NOT NULL,
    nonce TEXT NOT NULL,
    claimed_at TEXT NOT NULL,
    ended_at TEXT,
    worker TEXT,
    last_word TEXT,
    last_word_at TEXT,
    PRIMARY KEY (job_id, fence)
);

CREATE TABLE grants (
    job_id TEXT NOT NULL,
    fence BIGINT NOT NULL,
    name TEXT NOT NULL,
    object_key TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (job_id, fence, name)
);

CREATE TABLE runpod_jobs (
    job_id TEXT NOT NULL,
    runpod_id TEXT NOT NULL,
    submission BIGINT NOT NULL,
    learnt_at TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    PRIMARY KEY (job_id, runpod_id)
);

CREATE TABLE ledger (
    job_id TEXT NOT NULL,
    fence BIGINT NOT NULL,
    entry TEXT NOT NULL,
    micro_usd BIGINT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (job_id, fence, entry)
);

CREATE TABLE liveness (
    id BIGINT PRIMARY KEY,
    ticked_at TEXT NOT NULL,
    heard_since TEXT NOT NULL
);
