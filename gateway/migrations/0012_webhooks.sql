-- Who is told about what, and each event on its way to each of them.

-- A secret is made of its salt and the installation's own secret, and stands nowhere.
CREATE TABLE webhook_endpoints (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    description TEXT NOT NULL,
    salt TEXT NOT NULL,
    previous_salt TEXT,
    previous_until TEXT,
    disabled_for TEXT,
    failing_since TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX webhook_endpoints_of_tenant ON webhook_endpoints (tenant, created_at, id);

-- `due_at` is null once nothing is to be tried: what is due is found without what was.
CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id),
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'dead')),
    round BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    round_tries BIGINT NOT NULL,
    log TEXT NOT NULL,
    created_at TEXT NOT NULL,
    retry_until TEXT NOT NULL,
    due_at TEXT,
    lease_until TEXT NOT NULL,
    lease_op TEXT
);
-- An event reaches an endpoint once; by the event first, whose deliveries go with its job.
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (event_id, endpoint_id);
CREATE INDEX webhook_deliveries_of_endpoint
    ON webhook_deliveries (endpoint_id, created_at, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at)
    WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_to_try ON webhook_deliveries (due_at)
    WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (created_at)
    WHERE due_at IS NULL;

-- 0 where its end is announced to nobody.
ALTER TABLE jobs ADD COLUMN webhook BIGINT NOT NULL DEFAULT 1;
