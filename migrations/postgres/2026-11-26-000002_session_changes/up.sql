-- Which sessions have changed: the servers that share this database read it.
CREATE TABLE session_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id TEXT NOT NULL,
    changed_at BIGINT NOT NULL DEFAULT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT
);
CREATE INDEX session_changes_age ON session_changes (changed_at);
