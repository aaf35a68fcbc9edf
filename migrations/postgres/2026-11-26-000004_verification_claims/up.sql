-- Whose code a service of Twilio Verify has sent to a number: it knows service and number alone.
CREATE TABLE verification_claims (
    service    TEXT    NOT NULL,
    phone      TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    -- The verification at the provider, once a code was sent.
    verification TEXT,
    sends      INTEGER NOT NULL DEFAULT 0,
    claimed_at BIGINT  NOT NULL,
    PRIMARY KEY (service, phone)
);
CREATE INDEX verification_claims_age ON verification_claims (claimed_at);
