-- Walked through in the order in which they were made, which never changes.
DROP INDEX sessions_expiry;
DROP INDEX sessions_idle;
CREATE INDEX sessions_age ON sessions (created_at);
-- When the provider is to be polled about a request. A row goes at the first look after its request is settled.
CREATE TABLE approval_polls (
    approval_id TEXT    NOT NULL PRIMARY KEY,
    due_at      BIGINT  NOT NULL,
    polls       INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX approval_polls_due ON approval_polls (due_at);
INSERT INTO approval_polls (approval_id, due_at, polls)
    SELECT id, next_poll_at, polls FROM approvals WHERE next_poll_at IS NOT NULL AND status = 'pending';
-- The columns stay: servers of the version before may still run beside this one.
DROP INDEX approvals_due;
