-- Indexes that serve what they were made for, also where SQLite has counted the tables.

-- The old one began with `deleted_at`, which is NULL in nearly every row: whatever asks for
-- jobs that are not deleted could be led through all of them.
DROP INDEX jobs_by_status_and_kind;
CREATE INDEX jobs_counted ON jobs (status, kind, deleted_at);

-- A page of one kind in one status, which else walks through all of either.
CREATE INDEX jobs_by_status_and_kind ON jobs (tenant, status, kind, created_at, id);

-- What is still to be done about a job, which is asked before its rows go.
CREATE INDEX effects_undone ON effects (job_id) WHERE done_at IS NULL;

-- With the id, places in the line are counted without reading a job.
DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (endpoint, waiting_for, created_at, id);
