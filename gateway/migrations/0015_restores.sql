-- What a restore leaves: attempts that the backup does not know keep their numbers to themselves.

-- The next attempt's fence is above this too. Set by a restore, for jobs that had not ended.
ALTER TABLE jobs ADD COLUMN fence_floor BIGINT NOT NULL DEFAULT 0;

CREATE TABLE restores (
    at TEXT PRIMARY KEY,
    fence_floor BIGINT NOT NULL,
    -- When a gateway last ticked before the backup was made; NULL where none ever had.
    lost_since TEXT,
    jobs_open BIGINT NOT NULL
);
