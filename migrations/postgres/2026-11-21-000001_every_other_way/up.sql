-- A browser may verify a phone without an account: such a session has no user.
ALTER TABLE sessions ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE sessions ADD COLUMN verifying_phone TEXT;
ALTER TABLE sessions ADD COLUMN verifying_until BIGINT;
ALTER TABLE sessions ADD COLUMN proven_phone TEXT;
-- When the phone last answered in this session; changing a factor asks for a fresh answer.
ALTER TABLE sessions ADD COLUMN factor_at BIGINT;

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
