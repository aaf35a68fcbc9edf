DROP TABLE verification_claims;
