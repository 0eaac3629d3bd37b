-- Indexes that hold only the jobs they are asked for: a job that just came in is written to
-- fewer of them, and one that has ended leaves them.

DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (endpoint, waiting_for, created_at, id)
    WHERE waiting_for IS NOT NULL;

DROP INDEX jobs_holding;
CREATE INDEX jobs_holding ON jobs (endpoint, tenant) WHERE holds_slot = 1;

DROP INDEX jobs_by_deadline;
CREATE INDEX jobs_by_deadline ON jobs (deadline_at) WHERE status IN ('queued', 'running');

DROP INDEX jobs_by_silence;
CREATE INDEX jobs_by_silence ON jobs (seen_at) WHERE status = 'running';
