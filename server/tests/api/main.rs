//! The API over HTTP, against the sandbox. Runs on SQLite, and on PostgreSQL when
//! `TEST_DATABASE_URL` names a server; each test has its own database.

#![expect(unreachable_pub, reason = "a test crate has no public API; pub marks what other modules use")]
#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

mod account;
mod account_verification;
mod app;
mod approvals;
mod attacks;
mod authenticator;
mod bad_input;
mod browser_security;
mod channels;
mod cleanup;
mod codes;
mod commands;
mod configuration;
mod cookie_api;
mod database;
mod delivery_reports;
mod event_stream;
mod events;
mod form_clients;
mod layers;
mod login;
mod migration;
mod one_touch;
mod openapi;
mod operator_commands;
mod outages;
mod person;
mod phone_verification;
mod providers;
mod registration;
mod restart;
mod sessions;
mod several_servers;
mod sign_in_methods;
mod totp;
mod upgrade;
mod verify;
mod verify_push;
mod verify_setup;
mod verify_webhook;
mod waiting;
mod webhook;
mod webhooks_together;
