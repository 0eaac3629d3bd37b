-- How many jobs wait for a slot of each endpoint, kept beside the slots: a new job hears its
-- place in the line without a count of all that wait.
ALTER TABLE endpoints ADD COLUMN waiting BIGINT NOT NULL DEFAULT 0;
UPDATE endpoints SET waiting = (
    SELECT count(*) FROM jobs WHERE endpoint = endpoints.name AND waiting_for = 'slot'
);
