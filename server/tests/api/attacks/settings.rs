//! Production refuses every setting that disables a protection.

use std::collections::HashMap;

use server::config::{Config, ConfigError};
use tempfile::TempDir;

const PRODUCTION: [(&str, &str); 4] = [
    ("APP_ENV", "production"),
    ("AUTHY_API_KEY", "a key of our own"),
    ("APP_SECRET", "forty characters that nobody has published"),
    ("PUBLIC_URL", "https://sign.example.com"),
];
const TWILIO: [(&str, &str); 3] = [
    ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
    ("TWILIO_AUTH_TOKEN", "a token of our own"),
    ("TWILIO_NUMBER", "+15005550006"),
];

/// The production settings with one changed; `None` removes it.
fn production_with(name: &str, value: Option<&str>) -> Result<Config, ConfigError> {
    let folder = TempDir::new().expect("a temporary folder");
    let mut variables: HashMap<&str, &str> = PRODUCTION.into_iter().chain(TWILIO).collect();
    match value {
        Some(value) => variables.insert(name, value),
        None => variables.remove(name),
    };
    Config::read(&|name| variables.get(name).map(|value| (*value).to_owned()), folder.path())
}

/// Those of the settings the server accepts although it must refuse them.
fn accepted<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut accepted = Vec::new();
    for (name, value) in settings {
        match production_with(name, Some(value)) {
            Ok(_) => accepted.push(format!("{name}={value}")),
            Err(problem) => {
                let line = problem.to_string();
                assert!(line.starts_with(&format!("{name}: ")) && !line.contains('\n'), "{name}: {line}");
            }
        }
    }
    accepted
}

const NONE: [&str; 0] = [];

/// Statement 73 of docs/SECURITY.md.
#[test]
fn limits_of_zero_or_a_million_are_refused() {
    let names = [
        "LIMIT_RESEND_SECONDS",
        "LIMIT_SENDS_PER_HOUR",
        "LIMIT_PHONE_SENDS_PER_HOUR",
        "LIMIT_PHONE_SENDS_PER_DAY",
        "LIMIT_STRANGER_PHONE_SENDS_PER_DAY",
        "LIMIT_STRANGER_PHONE_SENDS_PER_ADDRESS",
        "LIMIT_STRANGER_ADDRESS_SENDS_PER_HOUR",
        "LIMIT_ADDRESS_SENDS_PER_HOUR",
        "LIMIT_SERVER_SENDS_PER_HOUR",
        "LIMIT_NUMBER_VERIFICATIONS_PER_HOUR",
        "LIMIT_VERIFICATIONS_PER_HOUR",
        "LIMIT_PUSHES_PER_HOUR",
        "LIMIT_DENIALS",
        "LIMIT_PHONE_PUSHES_PER_HOUR",
        "LIMIT_STRANGER_PHONE_PUSHES_PER_HOUR",
        "LIMIT_WRONG_CODES",
        "LIMIT_STRANGER_PHONE_WRONG_CODES_PER_HOUR",
        "LIMIT_ADDRESS_WRONG_CODES_PER_HOUR",
        "LIMIT_WRONG_PASSWORDS",
        "LIMIT_ACCOUNT_WRONG_PASSWORDS_PER_HOUR",
        "LIMIT_ADDRESS_WRONG_PASSWORDS_PER_HOUR",
        "LIMIT_SIGN_UPS_PER_HOUR",
        "LIMIT_LOCK_SECONDS",
    ];
    let settings = names.into_iter().flat_map(|name| [(name, "0"), (name, "1000000")]);
    assert_eq!(accepted(settings), NONE);
}

/// Statement 73 of docs/SECURITY.md.
#[test]
fn weak_keys_and_secrets_are_refused() {
    let (repeated, alternating) = ("a".repeat(40), "ab".repeat(20));
    let settings = [
        ("AUTHY_API_KEY", "x"),
        ("APP_SECRET", "Change-Me"),
        ("APP_SECRET", "Change-Me-To-32-Random-Characters-Please"),
        ("APP_SECRET", "CHANGE-ME-CHANGE-ME-CHANGE-ME-CHANGE-ME"),
        ("APP_SECRET", "Replace-This-With-32-Random-Characters-Or-More"),
        ("APP_SECRET_PREVIOUS", "short"),
        ("APP_SECRET_PREVIOUS", "Change-Me-To-32-Random-Characters-Please"),
        // The same as APP_SECRET: nothing would be rotated.
        ("APP_SECRET_PREVIOUS", PRODUCTION[2].1),
        ("APP_SECRET", &repeated),
        ("APP_SECRET", &alternating),
    ];
    assert_eq!(accepted(settings), NONE);
}

/// Statement 73 of docs/SECURITY.md: with such a proxy every client chooses its own address.
#[test]
fn a_trusted_proxy_range_of_all_addresses_is_refused() {
    let settings = ["0.0.0.0/0", "::/0", "10.0.0.0/8, 0.0.0.0/0", "10.0.0.0/8, ::/0"];
    assert_eq!(accepted(settings.map(|value| ("TRUSTED_PROXIES", value))), NONE);
}

/// Statement 73 of docs/SECURITY.md.
#[test]
fn urls_without_tls_are_refused() {
    let settings = [
        ("AUTHY_API_URL", "http://api.authy.com"),
        ("TWILIO_API_URL", "http://api.twilio.com"),
        ("PUBLIC_URL", "http://sign.example.com"),
    ];
    assert_eq!(accepted(settings), NONE);
}

/// Statement 73 of docs/SECURITY.md: without it the client's `Host` header decides which origin is our own.
#[test]
fn the_public_url_is_required() {
    let line = production_with("PUBLIC_URL", None).map(drop).expect_err("PUBLIC_URL is missing").to_string();
    assert!(line.starts_with("PUBLIC_URL: ") && !line.contains('\n'), "{line}");
}

/// Statement 73 of docs/SECURITY.md.
#[test]
fn session_lifetimes_of_centuries_are_refused() {
    let names = ["SESSION_PENDING_SECONDS", "SESSION_IDLE_SECONDS", "SESSION_ABSOLUTE_SECONDS"];
    assert_eq!(accepted(names.map(|name| (name, "9999999999"))), NONE);
}

/// Statement 73 of docs/SECURITY.md: valid settings are accepted.
#[test]
fn production_starts_with_valid_settings() {
    production_with("LIMIT_SENDS_PER_HOUR", Some("6")).expect("these settings are valid");
    production_with("TRUSTED_PROXIES", Some("10.0.0.0/8")).expect("these settings are valid");
    production_with("SESSION_IDLE_SECONDS", Some("1800")).expect("these settings are valid");
}
