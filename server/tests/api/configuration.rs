//! Reading the configuration: defaults, and the line each invalid setting is reported with.

use std::{collections::HashMap, fs};

use server::config::{Config, ConfigError};
use tempfile::TempDir;

fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = TempDir::new().expect("a temporary folder");
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Config::read(&|name| variables.get(name).map(|value| (*value).to_owned()), folder.path())
}

const PRODUCTION: [(&str, &str); 4] = [
    ("APP_ENV", "production"),
    ("AUTHY_API_KEY", "a key of our own"),
    ("APP_SECRET", "forty characters that nobody has published"),
    ("PUBLIC_URL", "https://sign.example.com"),
];

fn production_with(name: &'static str, value: &'static str) -> Result<Config, ConfigError> {
    let mut variables = PRODUCTION.to_vec();
    variables.retain(|(known, _)| *known != name);
    variables.push((name, value));
    read(&variables)
}

#[test]
fn development_needs_no_settings() {
    let config = read(&[]).expect("the defaults are valid");
    assert_eq!((config.port, config.sandbox, config.bcrypt_cost), (3000, Some(3001), 12));
    assert_eq!(config.host.to_string(), "127.0.0.1");
    assert!(!config.secure_cookies());
}

#[test]
fn a_custom_api_key_turns_the_sandbox_off() {
    for name in ["AUTHY_API_KEY", "ACCOUNT_SECURITY_API_KEY"] {
        let config = read(&[(name, "a key of our own")]).expect("one variable is enough");
        assert_eq!(config.sandbox, None);
        let account = config.providers.authy.clone().expect("an application");
        assert_eq!(config.authy_url(&account, None), "https://api.authy.com");
    }
}

#[test]
fn an_explicitly_enabled_sandbox_uses_its_own_key() {
    let config = read(&[("AUTHY_API_KEY", "a key of our own"), ("SANDBOX", "on")])
        .expect("the sandbox can be enabled explicitly");
    assert_eq!(
        (config.sandbox, config.providers.authy.expect("an application").key.reveal()),
        (Some(3001), sandbox::API_KEY)
    );
}

const TWILIO: [(&str, &str); 3] = [
    ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
    ("TWILIO_AUTH_TOKEN", "a token of our own"),
    ("TWILIO_NUMBER", "+15005550006"),
];

#[test]
fn the_twilio_settings_are_all_given_or_all_absent() {
    let own_key = ("AUTHY_API_KEY", "a key of our own");
    assert!(read(&[own_key]).expect("the Twilio settings are optional").twilio.is_none());
    let sandbox = read(&[]).expect("valid settings").twilio.expect("an account");
    assert_eq!(sandbox.sid, sandbox::ACCOUNT_SID);
    let whole = [&TWILIO[..], &[own_key]].concat();
    let account = read(&whole).expect("all three settings are given").twilio.expect("an account");
    assert_eq!((account.number.as_str(), account.token.reveal()), ("+15005550006", "a token of our own"));
    for (name, _) in TWILIO {
        let without: Vec<_> = whole.iter().copied().filter(|(known, _)| *known != name).collect();
        let problem = read(&without).expect_err("two of three").to_string();
        assert!(problem.starts_with(&format!("{name}: ")), "{problem}");
    }
    for (name, value) in [
        ("TWILIO_ACCOUNT_SID", "AC12"),
        ("TWILIO_ACCOUNT_SID", "SK0123456789abcdef0123456789abcdef"),
        ("TWILIO_NUMBER", "Countersign"),
        ("TWILIO_NUMBER", "15005550006"),
        ("TWILIO_API_URL", "ftp://example.com"),
    ] {
        let mut wrong: Vec<_> = whole.iter().copied().filter(|(known, _)| *known != name).collect();
        wrong.push((name, value));
        let problem = read(&wrong).expect_err(value).to_string();
        assert!(
            problem.starts_with(&format!("{name}: ")) && !problem.contains("a token of our own"),
            "{problem}"
        );
    }
    let published =
        [&PRODUCTION[..], &TWILIO[..1], &[("TWILIO_AUTH_TOKEN", sandbox::AUTH_TOKEN)], &TWILIO[2..]];
    let problem = read(&published.concat()).expect_err("a published token").to_string();
    assert!(
        problem.starts_with("TWILIO_AUTH_TOKEN: ") && !problem.contains(sandbox::AUTH_TOKEN),
        "{problem}"
    );
}

#[test]
fn verify_needs_three_services_of_their_own_and_its_account() {
    assert!(read(&[]).expect("valid settings").providers.verify.is_none());
    let beside = read(&[("PROVIDER", "verify")])
        .expect("the sandbox has all of it")
        .providers
        .verify
        .expect("an account");
    assert_eq!(beside.services.sign_in, sandbox::SERVICE_SIDS[0]);
    let own = [
        ("PROVIDER", "verify"),
        ("VERIFY_SERVICE_SID", "VA0123456789abcdef0123456789abcde1"),
        ("VERIFY_ENROLMENT_SERVICE_SID", "VA0123456789abcdef0123456789abcde2"),
        ("VERIFY_NUMBER_SERVICE_SID", "VA0123456789abcdef0123456789abcde3"),
        TWILIO[0],
        TWILIO[1],
    ];
    let config = read(&own).expect("without a number no confirmation is sent");
    assert!(config.providers.verify.is_some() && config.twilio.is_none() && config.sandbox.is_none());
    for (name, _) in &own[2..] {
        let without: Vec<_> = own.iter().copied().filter(|(known, _)| known != name).collect();
        let problem = read(&without).expect_err("one is missing").to_string();
        assert!(problem.starts_with(&format!("{name}: ")), "{problem}");
    }
    for (name, value) in [
        ("VERIFY_SERVICE_SID", "VA12"),
        ("VERIFY_ENROLMENT_SERVICE_SID", "VA0123456789abcdef0123456789abcde1"),
        ("VERIFY_API_URL", "ftp://example.com"),
        ("PROVIDER", "pigeon"),
    ] {
        let mut wrong: Vec<_> = own.iter().copied().filter(|(known, _)| *known != name).collect();
        wrong.push((name, value));
        let problem = read(&wrong).expect_err(value).to_string();
        assert!(problem.starts_with(&format!("{name}: ")), "{problem}");
    }
}

#[test]
fn an_invalid_value_is_reported_in_one_line_that_names_the_variable() {
    for (name, value) in [
        ("PORT", "many"),
        ("HOST", "nowhere"),
        ("DATABASE_URL", "mysql://here/there"),
        ("PUBLIC_URL", "ftp://example.com"),
        ("PUBLIC_URL", "https://example.com/?a=b"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, somewhere"),
        ("SESSION_IDLE_SECONDS", "0"),
        ("BCRYPT_COST", "3"),
        ("BCRYPT_COST", "16"),
        ("TOKEN_ROTATION", "maybe"),
        ("PUSH_MATCH", "required"),
        ("LIMITS", "none"),
        ("LIMIT_WRONG_CODES", "0"),
        ("SANDBOX", "sometimes"),
        ("APP_ENV", "test"),
        ("APP_SECRET", "short"),
        ("AUTHY_API_URL", "api.authy.com"),
        ("LOG_FORMAT", "xml"),
        ("SESSION_IDLE_SECONDS", "-1"),
        ("PROVIDER_TIMEOUT_SECONDS", "0"),
        ("RUST_LOG", "bogus==="),
    ] {
        let line = read(&[(name, value)]).expect_err(name).to_string();
        assert!(line.starts_with(&format!("{name}: ")) && !line.contains('\n'), "{line}");
    }
}

#[test]
fn production_requires_keys_and_refuses_development_settings() {
    let config = read(&PRODUCTION).expect("these settings are enough");
    assert!(config.secure_cookies());
    assert_eq!(config.sandbox, None);
    for (name, value) in [
        ("AUTHY_API_KEY", ""),
        ("AUTHY_API_KEY", "sandbox-api-key"),
        ("APP_SECRET", ""),
        ("APP_SECRET", "replace-this-with-32-random-characters-or-more"),
        ("SANDBOX", "on"),
        ("LIMITS", "off"),
        ("BCRYPT_COST", "9"),
    ] {
        let line = production_with(name, value).expect_err(name).to_string();
        assert!(line.starts_with(&format!("{name}: ")), "{line}");
    }
}

#[test]
fn a_value_can_be_read_from_a_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "a key of our own\n").unwrap();
    let path = file.display().to_string();
    let config = read(&[("AUTHY_API_KEY_FILE", &path)]).expect("the file is read");
    assert_eq!(config.providers.authy.expect("an application").key.reveal(), "a key of our own");
    let both = read(&[("AUTHY_API_KEY_FILE", &path), ("AUTHY_API_KEY", "another")]).expect_err("two values");
    assert!(both.to_string().starts_with("AUTHY_API_KEY: "), "{both}");
    let missing = read(&[("APP_SECRET_FILE", "/no/such/file")]).expect_err("no file");
    assert!(missing.to_string().starts_with("APP_SECRET_FILE: "), "{missing}");
}

#[test]
fn debug_output_of_the_configuration_contains_no_secret() {
    let config = read(&PRODUCTION).expect("these settings are enough");
    let printed = format!("{config:?}");
    assert!(!printed.contains("of our own") && !printed.contains("nobody has published"), "{printed}");
}

#[test]
fn the_development_secret_is_generated_once_and_reused() {
    let folder = TempDir::new().unwrap();
    let secret = || Config::read(&|_| None, folder.path()).expect("the defaults are valid").app_secret;
    assert_eq!(secret().reveal().len(), 64);
    assert_eq!(secret(), secret());
}
