-- How much each tenant may spend, and what of it is spent: caps on the tenant, one row for each
-- day and month with a counter that a submission guards, and what was said about them.

-- NULL is what the settings say; a billion dollars is none.
ALTER TABLE tenants ADD COLUMN day_cap_micro_usd BIGINT;
ALTER TABLE tenants ADD COLUMN month_cap_micro_usd BIGINT;
-- While it is set nothing more is reserved.
ALTER TABLE tenants ADD COLUMN spending_stopped_at TEXT;

-- What a job may cost at most, all attempts together, and what the ended ones may come to.
ALTER TABLE jobs ADD COLUMN max_cost_micro_usd BIGINT;
ALTER TABLE jobs ADD COLUMN ended_micro_usd BIGINT NOT NULL DEFAULT 0;

-- A period is a day (2026-11-21) or a month (2026-11) in UTC, that of the reserve.
CREATE TABLE budget_periods (
    tenant TEXT NOT NULL REFERENCES tenants (id),
    period TEXT NOT NULL,
    reserved_micro_usd BIGINT NOT NULL DEFAULT 0 CHECK (reserved_micro_usd >= 0),
    spent_micro_usd BIGINT NOT NULL DEFAULT 0 CHECK (spent_micro_usd >= 0),
    -- The one that held when something was last reserved: a batch that would pass it breaks.
    cap_micro_usd BIGINT NOT NULL DEFAULT 1000000000000000,
    PRIMARY KEY (tenant, period),
    CONSTRAINT within_cap CHECK (reserved_micro_usd + spent_micro_usd <= cap_micro_usd)
);

-- What was said, so that it is said once; a cap that changes is another one.
CREATE TABLE budget_alerts (
    tenant TEXT NOT NULL REFERENCES tenants (id),
    period TEXT NOT NULL,
    percent BIGINT NOT NULL,
    cap_micro_usd BIGINT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (tenant, period, percent, cap_micro_usd)
);

-- Costs of jobs that are gone; those of jobs that are there are found by the job.
CREATE INDEX ledger_of_gone_jobs ON ledger (tenant, at) WHERE tenant IS NOT NULL;

INSERT INTO budget_periods (tenant, period, reserved_micro_usd, spent_micro_usd)
SELECT tenant, substr(at, 1, 10), sum(reserved), sum(spent) FROM (
    SELECT coalesce(r.tenant, j.tenant) AS tenant, r.at AS at,
        CASE WHEN c.entry IS NULL THEN r.micro_usd ELSE 0 END AS reserved,
        coalesce(c.micro_usd, 0) AS spent
    FROM ledger r
    LEFT JOIN jobs j ON j.id = r.job_id
    LEFT JOIN ledger c ON c.job_id = r.job_id AND c.fence = r.fence AND c.entry <> 'reserve'
    WHERE r.entry = 'reserve'
) AS attempts_by_day WHERE tenant IS NOT NULL GROUP BY tenant, substr(at, 1, 10);

INSERT INTO budget_periods (tenant, period, reserved_micro_usd, spent_micro_usd)
SELECT tenant, substr(period, 1, 7), sum(reserved_micro_usd), sum(spent_micro_usd)
FROM budget_periods GROUP BY tenant, substr(period, 1, 7);
