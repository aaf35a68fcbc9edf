-- A column's NOT NULL goes only with its table; with foreign keys on, that would empty others.
PRAGMA foreign_keys = OFF;
BEGIN IMMEDIATE;

-- A browser may verify a phone without an account: such a session has no user.
CREATE TABLE new_sessions (
    id         TEXT   NOT NULL PRIMARY KEY,
    token_hash TEXT   NOT NULL UNIQUE,
    user_id    TEXT   REFERENCES users (id) ON DELETE CASCADE,
    rights     TEXT   NOT NULL,
    state      TEXT   NOT NULL DEFAULT '{}',
    push_id    TEXT,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    verifying_phone TEXT,
    verifying_until BIGINT,
    proven_phone    TEXT,
    -- When the phone last answered in this session; changing a factor asks for a fresh answer.
    factor_at       BIGINT
);
INSERT INTO new_sessions (id, token_hash, user_id, rights, state, push_id, created_at, seen_at, expires_at)
    SELECT id, token_hash, user_id, rights, state, push_id, created_at, seen_at, expires_at FROM sessions;
DROP TABLE sessions;
ALTER TABLE new_sessions RENAME TO sessions;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

ALTER TABLE users ADD COLUMN last_channel TEXT;
ALTER TABLE users ADD COLUMN authenticator_at BIGINT;

-- Approvals of actions, beside those of sign-ins.
ALTER TABLE approvals ADD COLUMN purpose TEXT NOT NULL DEFAULT 'sign_in';
ALTER TABLE approvals ADD COLUMN data_digest TEXT;
ALTER TABLE approvals ADD COLUMN redeemed_at BIGINT;

-- Texts that were sent, and what became of them.
CREATE TABLE messages (
    id         TEXT    NOT NULL PRIMARY KEY,
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sid        TEXT    UNIQUE,
    status     TEXT    NOT NULL,
    error_code INTEGER,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL
);
CREATE INDEX messages_user ON messages (user_id, created_at);

COMMIT;
PRAGMA foreign_keys = ON;
