-- Ids are 128 random bits as text. Times are milliseconds since the Unix epoch.

CREATE TABLE users (
    id               TEXT    NOT NULL PRIMARY KEY,
    full_name        TEXT    NOT NULL,
    username         TEXT,
    username_key     TEXT    UNIQUE,
    email            TEXT    NOT NULL,
    email_key        TEXT    NOT NULL UNIQUE,
    password_hash    TEXT    NOT NULL,
    calling_code     TEXT    NOT NULL,
    national_number  TEXT    NOT NULL,
    phone_proven_at  BIGINT,
    provider_account TEXT    NOT NULL,
    provider_user    TEXT    NOT NULL,
    wrong_codes      INTEGER NOT NULL DEFAULT 0,
    codes_locked_until BIGINT,
    created_at       BIGINT  NOT NULL
);
CREATE INDEX users_provider ON users (provider_user);

CREATE TABLE sessions (
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
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE approvals (
    id          TEXT    NOT NULL PRIMARY KEY,
    reference   TEXT    UNIQUE,
    user_id     TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id  TEXT    REFERENCES sessions (id) ON DELETE SET NULL,
    message     TEXT    NOT NULL,
    details     TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    created_at  BIGINT  NOT NULL,
    expires_at  BIGINT  NOT NULL,
    settled_at  BIGINT,
    next_ask_at BIGINT,
    asks        INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX approvals_user ON approvals (user_id, created_at);
CREATE INDEX approvals_session ON approvals (session_id);
CREATE INDEX approvals_due ON approvals (next_ask_at);

CREATE TABLE sends (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id TEXT   REFERENCES sessions (id) ON DELETE SET NULL,
    via        TEXT   NOT NULL,
    reference  TEXT,
    at         BIGINT NOT NULL
);
CREATE INDEX sends_user ON sends (user_id, at);
CREATE INDEX sends_session ON sends (session_id);

CREATE TABLE checks (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id TEXT   REFERENCES sessions (id) ON DELETE SET NULL,
    outcome    TEXT   NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX checks_user ON checks (user_id, at);
CREATE INDEX checks_session ON checks (session_id);

-- Wrong passwords and sign-ups, counted per subject. A subject is a digest, never the thing itself.
CREATE TABLE attempts (
    id      TEXT   NOT NULL PRIMARY KEY,
    kind    TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX attempts_subject ON attempts (kind, subject, at);

-- Webhooks that were taken, so that a replay changes nothing.
CREATE TABLE nonces (
    digest TEXT   NOT NULL PRIMARY KEY,
    at     BIGINT NOT NULL
);
