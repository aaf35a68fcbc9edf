ALTER TABLE users ADD COLUMN calling_code TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN national_number TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN provider_account TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN provider_user TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN authenticator_at BIGINT;
ALTER TABLE users RENAME COLUMN phone_verified_at TO phone_proven_at;
-- No calling code is the beginning of another (ITU-T E.164).
UPDATE users SET calling_code = substr(phone, 2, CASE
    WHEN substr(phone, 2, 1) IN ('1', '7') THEN 1
    WHEN substr(phone, 2, 2) IN ('20', '27', '30', '31', '32', '33', '34', '36', '39', '40', '41', '43', '44', '45', '46', '47', '48', '49', '51', '52', '53', '54', '55', '56', '57', '58', '60', '61', '62', '63', '64', '65', '66', '81', '82', '84', '86', '90', '91', '92', '93', '94', '95', '98') THEN 2
    ELSE 3
END);
UPDATE users SET national_number = substr(phone, 2 + length(calling_code));
UPDATE users SET
    provider_account = COALESCE((SELECT provider_account FROM factors
        WHERE factors.user_id = users.id AND kind = 'phone' AND state <> 'removed'), ''),
    provider_user = COALESCE((SELECT provider_user FROM factors
        WHERE factors.user_id = users.id AND kind = 'phone' AND state <> 'removed'), ''),
    authenticator_at = (SELECT MAX(created_at) FROM factors
        WHERE factors.user_id = users.id AND kind = 'provider_authenticator' AND state = 'active');
-- The version before names no keys. It opens passwords of the same secret whose form is canonical.
UPDATE users SET password_hash = 'hs256$' || substr(password_hash, 16) WHERE password_hash LIKE 'hs256n.%';
CREATE INDEX users_provider ON users (provider_user);
DROP INDEX users_phone;
ALTER TABLE users DROP COLUMN phone;
ALTER TABLE users DROP COLUMN password_version;
ALTER TABLE users DROP COLUMN last_sign_in_at;
ALTER TABLE users DROP COLUMN code_locks;
ALTER TABLE users DROP COLUMN unverified_since;
UPDATE users SET last_channel = NULL WHERE last_channel = 'authenticator';

DELETE FROM attempts;

UPDATE sessions SET state = 'proven' WHERE state = 'verified';
ALTER TABLE sessions RENAME COLUMN state TO rights;
ALTER TABLE sessions RENAME COLUMN verified_phone TO proven_phone;
ALTER TABLE sessions ADD COLUMN state TEXT NOT NULL DEFAULT '{}';
ALTER TABLE sessions DROP COLUMN origin;
ALTER TABLE sessions DROP COLUMN factor;
ALTER TABLE sessions DROP COLUMN cookie_only;
ALTER TABLE sessions DROP COLUMN address_key;
ALTER TABLE sessions DROP COLUMN device_id;

ALTER TABLE sends DROP COLUMN provider_account;

DROP INDEX approvals_phone;
ALTER TABLE approvals RENAME COLUMN next_poll_at TO next_ask_at;
ALTER TABLE approvals RENAME COLUMN polls TO asks;
ALTER TABLE approvals DROP COLUMN provider_account;
ALTER TABLE approvals DROP COLUMN provider_user;
ALTER TABLE approvals DROP COLUMN phone;
ALTER TABLE approvals DROP COLUMN stranger;
ALTER TABLE approvals DROP COLUMN device_id;

DROP TABLE factors;
