-- Jobs by page, by label and by parent; jobs that are being deleted; events that were pruned.

ALTER TABLE jobs ADD COLUMN surface TEXT NOT NULL DEFAULT 'v1';
-- Set when the owner deletes the job: nobody sees it from then on, until its rows go too.
ALTER TABLE jobs ADD COLUMN deleted_at TEXT;
ALTER TABLE jobs ADD COLUMN events_pruned BIGINT NOT NULL DEFAULT 0;

-- A page is a range of one of these, newest first. An id may be older than its job (a
-- browser's upload can bring one), so the order is by time, then id.
DROP INDEX jobs_of_tenant;
CREATE INDEX jobs_of_tenant ON jobs (tenant, created_at, id);
CREATE INDEX jobs_by_status ON jobs (tenant, status, created_at, id);
CREATE INDEX jobs_by_kind ON jobs (tenant, kind, created_at, id);
CREATE INDEX jobs_of_parent ON jobs (parent_id, created_at, id) WHERE parent_id IS NOT NULL;
CREATE INDEX jobs_to_prune ON jobs (finished_at)
    WHERE finished_at IS NOT NULL AND events_pruned = 0;

CREATE TABLE job_labels (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at TEXT NOT NULL,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (tenant, name, value, created_at, job_id)
);
CREATE INDEX job_labels_by_job ON job_labels (job_id);

-- Which jobs read an output of which: what is read may not be deleted.
CREATE TABLE job_sources (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    source_id TEXT NOT NULL,
    PRIMARY KEY (job_id, source_id)
);
CREATE INDEX job_sources_by_source ON job_sources (source_id);

CREATE INDEX idempotency_keys_by_job ON idempotency_keys (job_id);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);
