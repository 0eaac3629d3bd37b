-- What the exports surface exports: each project's working video and each clip's source.

CREATE TABLE export_projects (
    tenant TEXT NOT NULL REFERENCES tenants (id),
    project_id BIGINT NOT NULL,
    working_asset_id TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant, project_id)
);
CREATE INDEX export_projects_by_asset ON export_projects (working_asset_id);

CREATE TABLE export_clips (
    tenant TEXT NOT NULL REFERENCES tenants (id),
    project_id BIGINT NOT NULL,
    clip_index BIGINT NOT NULL,
    source_asset_id TEXT NOT NULL,
    start_s DOUBLE PRECISION NOT NULL,
    end_s DOUBLE PRECISION,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant, project_id, clip_index)
);
CREATE INDEX export_clips_by_asset ON export_clips (source_asset_id);
