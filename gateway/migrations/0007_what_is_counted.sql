-- What monitoring counts, so that counting reads an index and no rows.

-- How the attempt ended: the job's status, or the code of what failed; NULL while it is open,
-- and of attempts that ended before there was this column.
ALTER TABLE attempts ADD COLUMN outcome TEXT;
CREATE INDEX attempts_by_outcome ON attempts (outcome);

CREATE INDEX jobs_by_status_and_kind ON jobs (deleted_at, status, kind);
