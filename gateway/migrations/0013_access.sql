-- Keys that expire, replace each other and say when they were last used; tenants that are
-- suspended; how much each tenant has stored.

ALTER TABLE api_keys ADD COLUMN expires_at TEXT;
-- The key that was made in this one's place; such a one goes on until `expires_at`.
ALTER TABLE api_keys ADD COLUMN replaced_by TEXT;
-- Written once in a while, not at each use.
ALTER TABLE api_keys ADD COLUMN last_used_at TEXT;

ALTER TABLE tenants ADD COLUMN suspended_at TEXT;

-- What a job's outputs count for. Jobs that ended before there was this column count nothing:
-- their outputs stand in JSON, which not every database reads.
ALTER TABLE jobs ADD COLUMN stored_bytes BIGINT NOT NULL DEFAULT 0;

-- The sum of pending uploads, assets that are there and jobs' outputs, kept in the batches that
-- change one of them.
ALTER TABLE tenants ADD COLUMN stored_bytes BIGINT NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0);
UPDATE tenants SET stored_bytes = coalesce((
    SELECT sum(size_bytes) FROM uploads
    WHERE uploads.tenant = tenants.id AND uploads.status = 'pending'
), 0) + coalesce((
    SELECT sum(size_bytes) FROM assets
    WHERE assets.tenant = tenants.id AND assets.deleted_at IS NULL
), 0);
