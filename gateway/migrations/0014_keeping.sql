-- What is kept how long, what is used again, and what is erased.

-- Names the very work a job has done, once it has succeeded: kind, version, input and the bytes
-- of its files. NULL where nothing may be used again: not yet, or its outputs are gone.
ALTER TABLE jobs ADD COLUMN fingerprint TEXT;
-- The job whose attempt wrote the objects that this one names; NULL where they are its own.
ALTER TABLE jobs ADD COLUMN reused_from TEXT;
-- When the objects were made, and when they were taken away though the job is there.
ALTER TABLE jobs ADD COLUMN outputs_at TEXT;
ALTER TABLE jobs ADD COLUMN outputs_expired_at TEXT;
UPDATE jobs SET outputs_at = finished_at WHERE status = 'succeeded';

CREATE INDEX jobs_to_reuse ON jobs (tenant, fingerprint, outputs_at)
    WHERE fingerprint IS NOT NULL;
CREATE INDEX jobs_by_origin ON jobs (reused_from) WHERE reused_from IS NOT NULL;
CREATE INDEX jobs_to_expire ON jobs (outputs_at)
    WHERE outputs_at IS NOT NULL AND outputs_expired_at IS NULL AND deleted_at IS NULL;
CREATE INDEX jobs_by_end ON jobs (finished_at)
    WHERE finished_at IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX uploads_of_tenant ON uploads (tenant, id);
CREATE INDEX uploads_over ON uploads (expires_at) WHERE status = 'aborted' AND sweep_at IS NULL;
CREATE INDEX assets_by_age ON assets (created_at) WHERE deleted_at IS NULL;
CREATE INDEX assets_deleted ON assets (deleted_at) WHERE deleted_at IS NOT NULL;

-- Tenants that are being erased; the name goes with the last of what was theirs.
ALTER TABLE tenants ADD COLUMN erasing_at TEXT;
CREATE TABLE erasures (
    id TEXT PRIMARY KEY,
    tenant TEXT UNIQUE,
    asked_at TEXT NOT NULL,
    -- Since when no job of theirs is there; ops and effects from before go by age.
    quiet_at TEXT,
    done_at TEXT
);
