-- What the removal of old rows looks for.
CREATE INDEX sessions_idle ON sessions (seen_at);
CREATE INDEX approvals_expiry ON approvals (expires_at);
CREATE INDEX sends_age ON sends (at);
CREATE INDEX checks_age ON checks (at);
CREATE INDEX attempts_age ON attempts (at);
CREATE INDEX nonces_age ON nonces (at);
CREATE INDEX messages_age ON messages (created_at);
