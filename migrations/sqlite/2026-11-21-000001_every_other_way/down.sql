PRAGMA foreign_keys = OFF;
BEGIN IMMEDIATE;

DROP TABLE messages;
DELETE FROM approvals WHERE purpose <> 'sign_in';
ALTER TABLE approvals DROP COLUMN redeemed_at;
ALTER TABLE approvals DROP COLUMN data_digest;
ALTER TABLE approvals DROP COLUMN purpose;
ALTER TABLE users DROP COLUMN authenticator_at;
ALTER TABLE users DROP COLUMN last_channel;

CREATE TABLE old_sessions (
    id         TEXT   NOT NULL PRIMARY KEY,
    token_hash TEXT   NOT NULL UNIQUE,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rights     TEXT   NOT NULL,
    state      TEXT   NOT NULL DEFAULT '{}',
    push_id    TEXT,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
INSERT INTO old_sessions (id, token_hash, user_id, rights, state, push_id, created_at, seen_at, expires_at)
    SELECT id, token_hash, user_id, rights, state, push_id, created_at, seen_at, expires_at FROM sessions
    WHERE user_id IS NOT NULL;
DROP TABLE sessions;
ALTER TABLE old_sessions RENAME TO sessions;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

COMMIT;
PRAGMA foreign_keys = ON;
