ALTER TABLE users DROP COLUMN authenticator_lost;
DROP TABLE approval_challenges;
DELETE FROM factors WHERE kind = 'push';
DROP INDEX factors_reference;
ALTER TABLE factors DROP COLUMN last_app_code_at;
ALTER TABLE factors DROP COLUMN last_push_at;
ALTER TABLE factors DROP COLUMN device_token_at;
ALTER TABLE factors DROP COLUMN reference;
-- The version before knows neither.
UPDATE users SET last_channel = NULL WHERE last_channel IN ('whatsapp', 'email');
UPDATE sessions SET factor = 'sms' WHERE factor IN ('whatsapp', 'email');
UPDATE sends SET via = 'sms' WHERE via IN ('whatsapp', 'email');
