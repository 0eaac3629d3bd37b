-- Whose and what a cost was for, kept with it when its job's row goes.

ALTER TABLE ledger ADD COLUMN tenant TEXT;
ALTER TABLE ledger ADD COLUMN kind TEXT;
ALTER TABLE ledger ADD COLUMN status TEXT;
