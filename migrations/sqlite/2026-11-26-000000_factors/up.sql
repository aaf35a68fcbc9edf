-- A user's phone is one number in E.164.
ALTER TABLE users ADD COLUMN phone TEXT NOT NULL DEFAULT '';
UPDATE users SET phone = '+' || calling_code || national_number;
CREATE INDEX users_phone ON users (phone);

-- Factors are rows of their own. A removed one is kept for a while, also without its user, so that
-- callbacks about it are recognized.
CREATE TABLE factors (
    id               TEXT   NOT NULL PRIMARY KEY,
    user_id          TEXT   REFERENCES users (id) ON DELETE SET NULL,
    kind             TEXT   NOT NULL,
    state            TEXT   NOT NULL,
    name             TEXT,
    -- Where a phone is enrolled.
    provider_account TEXT,
    provider_user    TEXT,
    -- An authenticator's secret, encrypted, and the last time step it was used for.
    secret           TEXT,
    last_step        BIGINT,
    created_at       BIGINT NOT NULL,
    confirmed_at     BIGINT,
    last_used_at     BIGINT,
    removed_at       BIGINT
);
CREATE INDEX factors_user ON factors (user_id);
CREATE INDEX factors_provider ON factors (provider_account, provider_user);
CREATE INDEX factors_removed ON factors (removed_at);
-- One enrolment of the phone is in use; one authenticator is active, and one may wait to be confirmed.
CREATE UNIQUE INDEX factors_one_phone ON factors (user_id) WHERE kind = 'phone' AND state <> 'removed';
CREATE UNIQUE INDEX factors_one_authenticator ON factors (user_id, state)
    WHERE kind = 'authenticator' AND state <> 'removed';

INSERT INTO factors (id, user_id, kind, state, provider_account, provider_user, created_at, confirmed_at)
    SELECT lower(hex(randomblob(16))), id, 'phone', CASE WHEN phone_proven_at IS NULL THEN 'unconfirmed' ELSE 'active' END,
        provider_account, provider_user, created_at, phone_proven_at
    FROM users;
INSERT INTO factors (id, user_id, kind, state, provider_account, provider_user, created_at, confirmed_at)
    SELECT lower(hex(randomblob(16))), id, 'provider_authenticator', 'active', provider_account, provider_user,
        authenticator_at, authenticator_at
    FROM users WHERE authenticator_at IS NOT NULL;

-- Approval requests and sends name the provider account that holds them, and what they are counted for.
ALTER TABLE approvals ADD COLUMN provider_account TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN provider_user TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN phone TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN stranger BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE approvals ADD COLUMN device_id TEXT;
UPDATE approvals SET
    provider_account = (SELECT provider_account FROM users WHERE users.id = approvals.user_id),
    provider_user = (SELECT provider_user FROM users WHERE users.id = approvals.user_id),
    phone = (SELECT phone FROM users WHERE users.id = approvals.user_id),
    stranger = (SELECT phone_proven_at IS NULL FROM users WHERE users.id = approvals.user_id);
ALTER TABLE approvals RENAME COLUMN next_ask_at TO next_poll_at;
ALTER TABLE approvals RENAME COLUMN asks TO polls;
CREATE INDEX approvals_phone ON approvals (phone, created_at);

ALTER TABLE sends ADD COLUMN provider_account TEXT NOT NULL DEFAULT '';
UPDATE sends SET provider_account = (SELECT provider_account FROM users WHERE users.id = sends.user_id);

-- Sessions record how they began and which factor passed.
ALTER TABLE sessions DROP COLUMN state;
ALTER TABLE sessions RENAME COLUMN rights TO state;
ALTER TABLE sessions RENAME COLUMN proven_phone TO verified_phone;
ALTER TABLE sessions ADD COLUMN origin TEXT NOT NULL DEFAULT 'password';
ALTER TABLE sessions ADD COLUMN factor TEXT;
ALTER TABLE sessions ADD COLUMN cookie_only BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN address_key TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN device_id TEXT;
UPDATE sessions SET origin = 'number_verification' WHERE user_id IS NULL;
UPDATE sessions SET state = 'verified' WHERE state = 'proven';
-- A session could only become verified by a factor, also before the time of it was recorded.
UPDATE sessions SET factor_at = created_at WHERE state = 'verified' AND factor_at IS NULL;
UPDATE sessions SET factor = COALESCE((SELECT last_channel FROM users WHERE users.id = sessions.user_id), 'push')
    WHERE factor_at IS NOT NULL AND user_id IS NOT NULL;
UPDATE sessions SET origin = 'sign_up' WHERE state = 'signed_in' AND factor_at IS NULL;
-- Signed in by a sign-up, while the phone was verified in another session: a factor is needed now.
UPDATE sessions SET state = 'pending', expires_at = MIN(expires_at, seen_at + 600000) WHERE origin = 'sign_up'
    AND EXISTS (SELECT 1 FROM users WHERE users.id = sessions.user_id AND phone_proven_at IS NOT NULL);

-- What is counted is named by keyed digests now; these counters last an hour at most.
DELETE FROM attempts;

ALTER TABLE users RENAME COLUMN phone_proven_at TO phone_verified_at;
-- Changes with the password; known devices are bound to it.
ALTER TABLE users ADD COLUMN password_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN last_sign_in_at BIGINT;
-- Locks in a row for wrong codes; each lasts twice as long as the one before.
ALTER TABLE users ADD COLUMN code_locks INTEGER NOT NULL DEFAULT 0;
-- Since when the phone waits to be verified, of accounts made from now on: these may be removed
-- after a time (UNVERIFIED_ACCOUNTS_DAYS).
ALTER TABLE users ADD COLUMN unverified_since BIGINT;
DROP INDEX users_provider;
ALTER TABLE users DROP COLUMN calling_code;
ALTER TABLE users DROP COLUMN national_number;
ALTER TABLE users DROP COLUMN provider_account;
ALTER TABLE users DROP COLUMN provider_user;
ALTER TABLE users DROP COLUMN authenticator_at;
