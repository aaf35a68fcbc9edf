//! The API over HTTP, against the sandbox. Runs on SQLite, and on PostgreSQL when
//! `TEST_DATABASE_URL` names a server; every test has a database of its own.

#![expect(unreachable_pub, reason = "tests have no outside: pub marks what other modules use")]
#![expect(clippy::unwrap_used, reason = "a test ends where what it expects is not there")]

mod app;
mod bad_input;
mod browser_safety;
mod codes;
mod configuration;
mod login;
mod one_touch;
mod outages;
mod registration;
mod restart;
mod sessions;
mod tutorial;
mod webhook;
