DROP TABLE nonces;
DROP TABLE attempts;
DROP TABLE checks;
DROP TABLE sends;
DROP TABLE approvals;
DROP TABLE sessions;
DROP TABLE users;
