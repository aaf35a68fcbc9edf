-- Whether the e-mail was verified by a link, since when an operator has disabled the account, when the password was
-- last changed, and whether anybody has signed in on the page: from then on a plain approval signs nobody in.
ALTER TABLE users ADD COLUMN email_verified_at BIGINT;
ALTER TABLE users ADD COLUMN disabled_at BIGINT;
ALTER TABLE users ADD COLUMN password_changed_at BIGINT;
ALTER TABLE users ADD COLUMN uses_page BOOLEAN NOT NULL DEFAULT FALSE;

-- What the owner recognizes a session by.
ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';

-- The number that the phone shows and the page asks for, and when the owner has answered whether a denied sign-in
-- was theirs.
ALTER TABLE approvals ADD COLUMN number INTEGER;
ALTER TABLE approvals ADD COLUMN wrong_numbers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE approvals ADD COLUMN matched_at BIGINT;
ALTER TABLE approvals ADD COLUMN owner_answered_at BIGINT;

-- SHA-256 of each code of the newest set.
CREATE TABLE recovery_codes (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (user_id, digest)
);

-- Browsers in which the password is enough. The token changes at every use; the one before it is good for a moment.
CREATE TABLE remembered_devices (
    id            TEXT   NOT NULL PRIMARY KEY,
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash    TEXT   NOT NULL,
    previous_hash TEXT,
    rotated_at    BIGINT NOT NULL,
    browser       TEXT   NOT NULL,
    address       TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    seen_at       BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE INDEX remembered_devices_user ON remembered_devices (user_id);
CREATE INDEX remembered_devices_expiry ON remembered_devices (expires_at);

-- Links that were sent by e-mail, by the digest of their token. What was the e-mail and the phone before a change
-- comes back where its owner says that it was somebody else.
CREATE TABLE links (
    digest           TEXT    NOT NULL PRIMARY KEY,
    kind             TEXT    NOT NULL,
    user_id          TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email            TEXT,
    phone            TEXT,
    password_version INTEGER NOT NULL,
    created_at       BIGINT  NOT NULL,
    expires_at       BIGINT  NOT NULL,
    used_at          BIGINT
);
CREATE INDEX links_user ON links (user_id);
CREATE INDEX links_expiry ON links (expires_at);

-- E-mails that wait to be sent, encrypted: they hold links.
CREATE TABLE mails (
    id         TEXT    NOT NULL PRIMARY KEY,
    content    TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    due_at     BIGINT  NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX mails_due ON mails (due_at);

-- Right passwords after which no factor has passed yet. A row outlives its session: whoever ends it early is told of too.
CREATE TABLE half_sign_ins (
    session_id TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    due_at     BIGINT NOT NULL,
    browser    TEXT   NOT NULL,
    address    TEXT   NOT NULL
);
CREATE INDEX half_sign_ins_due ON half_sign_ins (due_at);
CREATE INDEX half_sign_ins_user ON half_sign_ins (user_id);

-- A number that is to become an account's phone, and the code that was sent to it.
CREATE TABLE phone_changes (
    user_id          TEXT   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    session_id       TEXT   NOT NULL,
    phone            TEXT   NOT NULL,
    provider_account TEXT   NOT NULL,
    provider_user    TEXT   NOT NULL,
    reference        TEXT   NOT NULL,
    via              TEXT   NOT NULL,
    expires_at       BIGINT NOT NULL
);
CREATE INDEX phone_changes_expiry ON phone_changes (expires_at);

-- What has happened to accounts. Rows are only added; of a removed account kinds and times alone remain.
CREATE TABLE events (
    id      TEXT   NOT NULL PRIMARY KEY,
    user_id TEXT,
    at      BIGINT NOT NULL,
    act     TEXT   NOT NULL,
    outcome TEXT   NOT NULL,
    factor  TEXT,
    browser TEXT   NOT NULL,
    address TEXT   NOT NULL
);
CREATE INDEX events_user ON events (user_id, at, id);
CREATE INDEX events_at ON events (at);
