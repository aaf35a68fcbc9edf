//! The API over HTTP, against the sandbox. Runs on SQLite, and on PostgreSQL when
//! `TEST_DATABASE_URL` names a server; every test has a database of its own.

#![expect(unreachable_pub, reason = "tests have no outside: pub marks what other modules use")]
#![expect(clippy::unwrap_used, reason = "a test ends where what it expects is not there")]

mod account_verification;
mod app;
mod approvals;
mod attacks;
mod authenticator;
mod bad_input;
mod browser_safety;
mod channels;
mod codes;
mod configuration;
mod cookie_api;
mod database;
mod description;
mod login;
mod one_touch;
mod outages;
mod phone_verification;
mod registration;
mod reports;
mod restart;
mod sessions;
mod tutorial;
mod webhook;
