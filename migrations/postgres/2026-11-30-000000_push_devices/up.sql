-- Devices that answer approval requests at Twilio Verify are factors of the kind 'push'. The reference is the
-- provider's id of the device.
ALTER TABLE factors ADD COLUMN reference TEXT;
-- Of a phone: since when a device may have been registered for its user, when a request was
-- last approved, and when a code of the provider's app was last accepted.
ALTER TABLE factors ADD COLUMN device_token_at BIGINT;
ALTER TABLE factors ADD COLUMN last_push_at BIGINT;
ALTER TABLE factors ADD COLUMN last_app_code_at BIGINT;
UPDATE factors SET last_push_at = (SELECT last_sign_in_at FROM users WHERE users.id = factors.user_id)
    WHERE kind = 'phone' AND state <> 'removed'
        AND user_id IN (SELECT id FROM users WHERE last_channel = 'push');
UPDATE factors SET last_app_code_at = (SELECT last_sign_in_at FROM users WHERE users.id = factors.user_id)
    WHERE kind = 'phone' AND state <> 'removed'
        AND user_id IN (SELECT id FROM users WHERE last_channel = 'app');
CREATE UNIQUE INDEX factors_reference ON factors (provider_account, reference)
    WHERE reference IS NOT NULL AND state <> 'removed';

-- At Twilio Verify an approval request is one challenge for each device.
CREATE TABLE approval_challenges (
    reference   TEXT NOT NULL PRIMARY KEY,
    approval_id TEXT NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
    device      TEXT NOT NULL
);
CREATE INDEX approval_challenges_approval ON approval_challenges (approval_id);

-- Why a user's authenticator stayed behind at another provider; the user is invited to set one up again.
ALTER TABLE users ADD COLUMN authenticator_lost TEXT;
