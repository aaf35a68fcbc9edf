//! The configuration: read from the environment, checked once, at the start.
//!
//! Every variable may also be given as `NAME_FILE`, which names a file that holds the value. A
//! wrong value stops the start with one line that names the variable.

mod app_secret;
mod limits;
mod mail;
mod provider;
mod setup;
mod source;

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use url::Url;

use app_secret::{app_secret, previous_app_secret};
use limits::{lifetimes, limits};
pub use mail::MailAccount;
pub use provider::{AuthyAccount, ProviderAccounts, TwilioAccount, VerifyAccount};
pub use setup::SetupConfig;
pub use source::ConfigError;
use source::Source;

use crate::domain::{
    channels::Channels,
    limits::{Lifetimes, Limits},
    numbers::NumberRules,
    secret::Secret,
    session::{PushMatch, TokenRotation},
};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// `APP_ENV`.
    pub mode: Mode,
    /// `APP_NAME`: what the product is called in texts and authenticator apps.
    pub app_name: String,
    /// `HOST`.
    pub host: IpAddr,
    /// `PORT`; 0 for any free one.
    pub port: u16,
    /// `DATABASE_URL`; may hold a password.
    pub database_url: Secret,
    /// `DATABASE_CONNECTIONS`.
    pub database_connections: u32,
    /// `DATABASE_TIMEOUT_SECONDS`: the longest a request waits for the database.
    pub database_timeout: Duration,
    /// `PROVIDER`, `AUTHY_…`, `VERIFY_…`: where users are enrolled.
    pub providers: ProviderAccounts,
    /// `CODE_CHANNELS`: how codes may be sent.
    pub channels: Channels,
    /// `TWILIO_…`: the account texts are sent by; `None` for none.
    pub twilio: Option<TwilioAccount>,
    /// `SMTP_URL`, `MAIL_FROM`.
    pub mail: MailAccount,
    /// `EVENTS_DAYS`: how long the activity of accounts is kept.
    pub events_days: u32,
    /// `PUSH_MATCH`: which approvals need the number that the phone shows.
    pub push_match: PushMatch,
    /// `PROVIDER_TIMEOUT_SECONDS`: the longest one call to the provider takes.
    pub provider_timeout: Duration,
    /// `ALLOWED_COUNTRIES`: ISO codes, separated by commas; all when empty.
    pub numbers: NumberRules,
    /// `APP_SECRET`.
    pub app_secret: Secret,
    /// `APP_SECRET_PREVIOUS`: opens what was made under it, during a rotation.
    pub app_secret_previous: Option<Secret>,
    /// `PUBLIC_URL`.
    pub public_url: Option<Url>,
    /// `TRUSTED_PROXIES`: addresses and networks, separated by commas.
    pub trusted_proxies: Vec<IpNet>,
    /// `BCRYPT_COST`.
    pub bcrypt_cost: u32,
    /// `TOKEN_ROTATION`.
    pub token_rotation: TokenRotation,
    /// `LIMITS`, and `LIMIT_…` for each of them.
    pub limits: Limits,
    /// `SESSION_…_SECONDS`.
    pub lifetimes: Lifetimes,
    /// `UNVERIFIED_ACCOUNTS_DAYS`: accounts whose phone was never verified are removed after so many
    /// days unused; 0 keeps them.
    pub unverified_accounts_days: u32,
    /// `MAX_WAITING`: clients that may wait for a change at once, on streams and by long polls.
    pub most_waiting: usize,
    /// `SANDBOX` and `SANDBOX_PORT`: the port to run it on; `None` for no sandbox.
    pub sandbox: Option<u16>,
    /// `PAGE_DIR`: the folder the page was built into.
    pub page_dir: PathBuf,
    /// `LOG_FORMAT`.
    pub log_json: bool,
    /// `RUST_LOG`.
    pub log_filter: String,
}

/// `APP_ENV`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On one's own machine.
    Development,
    /// In front of real accounts.
    Production,
}

/// What was found in the settings.
#[derive(Debug)]
pub struct Findings {
    /// The configuration, if nothing is wrong.
    pub config: Option<Config>,
    /// What stops the start, a line each.
    pub problems: Vec<ConfigError>,
    /// What is allowed and weaker than it could be.
    pub weak_spots: Vec<String>,
}

/// Folder for what the server makes itself.
const DATA: &str = "data";
const SWITCH: [(&str, bool); 2] = [("off", false), ("on", true)];
/// A larger network of trusted proxies would be a good part of the Internet.
const SHORTEST_PREFIX: u8 = 8;
const LONGEST_APP_NAME: usize = 30;
/// Said by `check` and at the start.
pub(crate) const EXPOSED_DATABASE: &str =
    "DATABASE_URL: the connection to PostgreSQL is not encrypted for certain; add ?sslmode=verify-full";
const LOG_FILTER: &str = "info,actix_server=warn";

impl Config {
    /// Reads the environment, and `.env` in the working folder.
    ///
    /// # Errors
    /// One line that names the variable.
    pub fn load() -> Result<Self, ConfigError> {
        load_env_file()?;
        Self::read(&|name| std::env::var(name).ok(), Path::new(DATA))
    }

    /// Reads the same and tells everything that is wrong or weak.
    #[must_use]
    pub fn examine() -> Findings {
        match load_env_file() {
            Err(problem) => Findings { config: None, problems: vec![problem], weak_spots: Vec::new() },
            Ok(()) => {
                let lookup = |name: &str| std::env::var(name).ok();
                let mut from = Source::new(&lookup);
                from.makes_files = false;
                Self::findings(from, Path::new(DATA))
            }
        }
    }

    /// Reads variables from `lookup`; what has to be made once goes into the folder `data`.
    ///
    /// # Errors
    /// One line that names the variable.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>, data: &Path) -> Result<Self, ConfigError> {
        let Findings { config, problems, .. } = Self::findings(Source::new(lookup), data);
        match (config, problems.into_iter().next()) {
            (Some(config), None) => Ok(config),
            (_, Some(problem)) => Err(problem),
            (None, None) => unreachable!("without a problem there is a configuration"),
        }
    }

    fn findings(mut from: Source<'_>, data: &Path) -> Findings {
        let modes = [("development", Mode::Development), ("production", Mode::Production)];
        let mode = from.one_of("APP_ENV", &modes, Mode::Development);
        from.production = mode == Mode::Production;
        let config = Self::from_source(&from, mode, data);
        let (problems, weak_spots) = from.into_findings();
        Findings { config: Some(config).filter(|_| problems.is_empty()), problems, weak_spots }
    }

    fn from_source(from: &Source<'_>, mode: Mode, data: &Path) -> Self {
        let production = from.production;
        let provider = provider::read(from);
        let matches = [("off", PushMatch::Off), ("page", PushMatch::Page), ("always", PushMatch::Always)];
        let push_match = from.one_of("PUSH_MATCH", &matches, PushMatch::Page);
        if push_match == PushMatch::Off {
            from.weak("PUSH_MATCH=off: an approval signs in without the number that the phone shows");
        }
        let app_name = app_name(from);
        let default_host = if production { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let default_database = format!("sqlite://{}", data.join("countersign.db").display());
        let database_url = from.text("DATABASE_URL").unwrap_or(default_database);
        match crate::store::Backend::of(&database_url) {
            None => from.wrong("DATABASE_URL", "write sqlite://path, a path, or postgres://…"),
            Some(backend) if production && backend.is_exposed() => from.weak(EXPOSED_DATABASE),
            Some(_) => {}
        }
        let public_url = from.web_address("PUBLIC_URL");
        if production && public_url.is_none() && from.text("PUBLIC_URL").is_none() {
            from.wrong("PUBLIC_URL", "is required in production: the address people use, with https");
        }
        let app_secret = app_secret(from, data);
        let app_secret_previous = previous_app_secret(from, &app_secret);
        let token_rotation = TokenRotation(from.one_of("TOKEN_ROTATION", &SWITCH, false));
        if !token_rotation.0 {
            from.weak("TOKEN_ROTATION=off: header tokens stay the same after the second factor");
        }
        Self {
            mode,
            mail: mail::read(from, &app_name, provider.sandbox.is_some()),
            events_days: from.number("EVENTS_DAYS", 400, 1..=3650),
            push_match,
            app_name,
            host: from.parsed("HOST", "an IP address").unwrap_or(default_host.into()),
            port: from.parsed("PORT", "a port").unwrap_or(3000),
            database_url: Secret::new(database_url),
            database_connections: from.number("DATABASE_CONNECTIONS", 8, 1..=1000),
            database_timeout: from.seconds("DATABASE_TIMEOUT_SECONDS", Duration::from_secs(5), 1..=60),
            providers: provider.accounts,
            channels: provider.channels,
            twilio: provider.twilio,
            provider_timeout: from.seconds("PROVIDER_TIMEOUT_SECONDS", Duration::from_secs(8), 1..=60),
            numbers: number_rules(from),
            app_secret,
            app_secret_previous,
            public_url,
            trusted_proxies: trusted_proxies(from),
            bcrypt_cost: bcrypt_cost(from),
            token_rotation,
            limits: limits(from),
            lifetimes: lifetimes(from),
            unverified_accounts_days: from.number("UNVERIFIED_ACCOUNTS_DAYS", 0, 0..=3650),
            most_waiting: from.number("MAX_WAITING", 20_000, 1..=1_000_000) as usize,
            sandbox: provider.sandbox,
            page_dir: from.text("PAGE_DIR").map_or_else(|| PathBuf::from("dist"), PathBuf::from),
            log_json: from.one_of("LOG_FORMAT", &[("pretty", false), ("json", true)], production),
            log_filter: log_filter(from),
        }
    }

    /// The address of an Authy application: what is set, the sandbox where it runs, the real service otherwise.
    #[must_use]
    pub fn authy_url(&self, account: &AuthyAccount, sandbox: Option<&str>) -> String {
        address(account.url.as_ref(), sandbox, provider::REAL_AUTHY)
    }

    /// The same of Twilio Verify.
    #[must_use]
    pub fn verify_url(&self, account: &VerifyAccount, sandbox: Option<&str>) -> String {
        address(account.url.as_ref(), sandbox, provider::REAL_VERIFY)
    }

    /// The same of the account that texts are sent by.
    #[must_use]
    pub fn twilio_url(&self, account: &TwilioAccount, sandbox: Option<&str>) -> String {
        address(account.url.as_ref(), sandbox, provider::REAL_TWILIO)
    }

    /// Where Verify's webhooks come, in production; `None` without a public address.
    #[must_use]
    pub fn verify_webhook_url(&self) -> Option<String> {
        let public = self.public_url.as_ref()?.as_str().trim_end_matches('/');
        Some(format!("{public}{}", shared::routes::TWILIO_VERIFY))
    }

    /// Whether cookies are for https alone.
    #[must_use]
    pub fn secure_cookies(&self) -> bool {
        self.mode == Mode::Production || self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

/// What is set, the sandbox where it runs, the real service otherwise.
fn address(set: Option<&Url>, sandbox: Option<&str>, real: &str) -> String {
    set.map(Url::as_str).or(sandbox).unwrap_or(real).to_owned()
}

fn log_filter(from: &Source<'_>) -> String {
    let filter = from.text("RUST_LOG").unwrap_or_else(|| LOG_FILTER.to_owned());
    if let Err(error) = EnvFilter::try_new(&filter) {
        from.wrong("RUST_LOG", error.to_string());
    }
    filter
}

/// Reads `.env` in the working folder alone: one in a parent folder belongs to something else.
fn load_env_file() -> Result<(), ConfigError> {
    match dotenvy::from_path(".env") {
        Ok(()) => Ok(()),
        Err(dotenvy::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // The library's own text repeats the line, and with it perhaps a secret.
        Err(_) => {
            let from = Source::new(&|_| None);
            from.wrong(".env", "a line cannot be read; write NAME=value, with quotes around blanks");
            let (mut problems, _) = from.into_findings();
            Err(problems.remove(0))
        }
    }
}

fn app_name(from: &Source<'_>) -> String {
    const NAME: &str = "APP_NAME";
    let name = from.text(NAME).unwrap_or_else(|| "Countersign".to_owned());
    if name.chars().count() > LONGEST_APP_NAME || !crate::domain::text::is_visible(&name) {
        from.wrong(NAME, format!("at most {LONGEST_APP_NAME} visible characters"));
    }
    name
}

fn number_rules(from: &Source<'_>) -> NumberRules {
    const NAME: &str = "ALLOWED_COUNTRIES";
    let Some(list) = from.text(NAME) else { return NumberRules::default() };
    let mut countries = BTreeSet::new();
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let code = entry.to_uppercase();
        if shared::countries::Country::by_iso(&code).is_none() {
            from.wrong(NAME, format!("{entry:?} is not the ISO code of a country, such as GB"));
        }
        countries.insert(code);
    }
    NumberRules::allowing(countries)
}

fn trusted_proxies(from: &Source<'_>) -> Vec<IpNet> {
    const NAME: &str = "TRUSTED_PROXIES";
    let list = from.text(NAME).unwrap_or_default();
    let mut networks = Vec::new();
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let network = entry.parse::<IpNet>().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from));
        match network {
            Some(network) if from.production && network.prefix_len() < SHORTEST_PREFIX => {
                from.wrong(NAME, format!("{entry} trusts anybody's X-Forwarded-For; name your proxies"));
            }
            Some(network) => networks.push(network),
            None => from.wrong(NAME, format!("{entry:?} is neither an address nor a network")),
        }
    }
    networks
}

fn bcrypt_cost(from: &Source<'_>) -> u32 {
    const NAME: &str = "BCRYPT_COST";
    let cost = from.number(NAME, 12, 4..=15);
    if from.production && cost < 10 {
        from.wrong(NAME, "under 10 is refused in production");
    }
    cost
}
