-- Uploads in parts, uploads of a size not said beforehand, and uploads that must be used.

ALTER TABLE uploads ADD COLUMN multipart_id TEXT;
ALTER TABLE uploads ADD COLUMN part_size_bytes BIGINT;
-- 1 where `size_bytes` is the most that may come, and not what was announced.
ALTER TABLE uploads ADD COLUMN size_is_limit BIGINT NOT NULL DEFAULT 0;
-- 1 where even the asset goes at `sweep_at`, unless something has taken it up by then.
ALTER TABLE uploads ADD COLUMN provisional BIGINT NOT NULL DEFAULT 0;
