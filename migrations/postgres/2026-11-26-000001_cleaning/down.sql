DROP INDEX messages_age;
DROP INDEX nonces_age;
DROP INDEX attempts_age;
DROP INDEX checks_age;
DROP INDEX sends_age;
DROP INDEX approvals_expiry;
DROP INDEX sessions_idle;
