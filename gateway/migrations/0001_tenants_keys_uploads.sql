-- Who owns things, what they prove it with, and what they bring.
-- Rules for all files here: types TEXT, BIGINT and DOUBLE PRECISION alone; instants are TEXT,
-- ISO 8601 in UTC with microseconds and Z, so that they sort; JSON is TEXT.

CREATE TABLE tenants (
    id TEXT PRIMARY KEY,
    open_jobs BIGINT NOT NULL DEFAULT 0 CHECK (open_jobs >= 0),
    op TEXT,
    created_at TEXT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    label TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    scopes TEXT NOT NULL,
    seeded BIGINT NOT NULL CHECK (seeded IN (0, 1)),
    created_at TEXT NOT NULL,
    revoked_at TEXT
);

CREATE INDEX api_keys_by_tenant ON api_keys (tenant, created_at, id);

CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'complete', 'aborted')),
    object_key TEXT NOT NULL UNIQUE,
    filename TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL CHECK (size_bytes > 0),
    sha256 TEXT,
    duration_s DOUBLE PRECISION,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    asset_id TEXT,
    sweep_at TEXT
);

-- Null where there is nothing to sweep, so that the index holds little and the sweep reads less.
CREATE INDEX uploads_to_sweep ON uploads (sweep_at);

CREATE TABLE assets (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    upload_id TEXT UNIQUE REFERENCES uploads (id),
    object_key TEXT NOT NULL UNIQUE,
    filename TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL CHECK (size_bytes > 0),
    etag TEXT NOT NULL,
    sha256 TEXT,
    probe TEXT,
    duration_s DOUBLE PRECISION,
    created_at TEXT NOT NULL,
    deleted_at TEXT
);

CREATE INDEX assets_by_tenant ON assets (tenant, created_at, id);
