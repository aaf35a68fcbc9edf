UPDATE approvals SET
    next_poll_at = (SELECT due_at FROM approval_polls WHERE approval_id = approvals.id),
    polls = (SELECT polls FROM approval_polls WHERE approval_id = approvals.id)
    WHERE id IN (SELECT approval_id FROM approval_polls);
CREATE INDEX approvals_due ON approvals (next_poll_at);
DROP TABLE approval_polls;
DROP INDEX sessions_age;
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_idle ON sessions (seen_at);
