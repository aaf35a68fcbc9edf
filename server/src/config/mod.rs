//! The configuration: read from the environment, checked once, at the start.
//!
//! Every variable may also be given as `NAME_FILE`, which names a file that holds the value. A
//! wrong value stops the start with one line that names the variable.

mod limits;
mod source;

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use url::Url;

use limits::{lifetimes, limits};
pub use source::ConfigError;
use source::{Source, within, wrong};

use crate::domain::{
    ids::Random,
    limits::{Lifetimes, Limits},
    rights::TokenRotation,
    secret::Secret,
};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// `APP_ENV`.
    pub mode: Mode,
    /// `HOST`.
    pub host: IpAddr,
    /// `PORT`; 0 for any free one.
    pub port: u16,
    /// `DATABASE_URL`; may hold a password.
    pub database_url: Secret,
    /// `DATABASE_CONNECTIONS`.
    pub database_connections: u32,
    /// `DATABASE_TIMEOUT_SECONDS`: the longest a request waits for the database.
    pub database_patience: Duration,
    /// `AUTHY_API_KEY`, or `ACCOUNT_SECURITY_API_KEY`.
    pub authy_key: Secret,
    /// `AUTHY_API_URL`; none means the sandbox when it runs, the real service otherwise.
    pub authy_url: Option<Url>,
    /// `TWILIO_…`: the account texts are sent by; `None` for none.
    pub twilio: Option<TwilioAccount>,
    /// `PROVIDER_TIMEOUT_SECONDS`: the longest one call to the provider takes.
    pub provider_patience: Duration,
    /// `APP_SECRET`.
    pub app_secret: Secret,
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
    /// `SANDBOX` and `SANDBOX_PORT`: the port to run it on; `None` for no sandbox.
    pub sandbox: Option<u16>,
    /// `PAGE_DIR`: the folder the page was built into.
    pub page_dir: PathBuf,
    /// `LOG_FORMAT`.
    pub log_json: bool,
}

/// `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN`, `TWILIO_NUMBER`, `TWILIO_API_URL`.
#[derive(Debug, Clone)]
pub struct TwilioAccount {
    /// `AC` and 32 hexadecimal digits.
    pub sid: String,
    /// Opens the account, and signs its reports.
    pub token: Secret,
    /// The number texts come from, `+` and digits.
    pub number: String,
    /// Where the account is; none means the sandbox when it runs, the real service otherwise.
    pub url: Option<Url>,
}

/// `APP_ENV`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On one's own machine.
    Development,
    /// In front of real accounts.
    Production,
}

const REAL_AUTHY: &str = "https://api.authy.com";
/// Where texts are sent by when no address is set.
pub const REAL_TWILIO: &str = "https://api.twilio.com";
/// Folder for what the server makes itself.
const DATA: &str = "data";
/// Secrets that stand in examples.
const PUBLISHED: [&str; 5] = [
    "change-me",
    "changeme",
    "replace-this-with-32-random-characters-or-more",
    sandbox::API_KEY,
    sandbox::AUTH_TOKEN,
];
const SHORTEST_SECRET: usize = 32;

const SWITCH: [(&str, bool); 2] = [("off", false), ("on", true)];

#[derive(Clone, Copy)]
enum SandboxWish {
    Auto,
    On,
    Off,
}

impl Config {
    /// Reads the environment, and `.env` where there is one.
    ///
    /// # Errors
    /// One line that names the variable.
    pub fn load() -> Result<Self, ConfigError> {
        match dotenvy::dotenv() {
            Err(dotenvy::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            // The library's own text repeats the line, and with it perhaps a secret.
            Err(_) => {
                return Err(wrong(
                    ".env",
                    "a line cannot be read; write NAME=value, with quotes around blanks",
                ));
            }
            Ok(_) => {}
        }
        Self::read(&|name| std::env::var(name).ok(), Path::new(DATA))
    }

    /// Reads variables from `lookup`; what has to be made once goes into the folder `data`.
    ///
    /// # Errors
    /// One line that names the variable.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>, data: &Path) -> Result<Self, ConfigError> {
        let from = Source(lookup);
        let modes = [("development", Mode::Development), ("production", Mode::Production)];
        let mode = from.one_of("APP_ENV", &modes, Mode::Development)?;
        let production = mode == Mode::Production;
        let authy_key = match from.text("AUTHY_API_KEY")? {
            Some(key) => Some(key),
            None => from.text("ACCOUNT_SECURITY_API_KEY")?,
        };
        let sandbox = sandbox_port(&from, authy_key.is_some(), production)?;
        let own_provider = from.web_address("AUTHY_API_URL")?;
        let authy_key = match authy_key {
            // The sandbox takes its own key only.
            _ if sandbox.is_some() && own_provider.is_none() => sandbox::API_KEY.to_owned(),
            Some(key) if production && PUBLISHED.contains(&key.as_str()) => {
                return Err(wrong("AUTHY_API_KEY", "is a published example; production needs your own"));
            }
            Some(key) => key,
            None if production => return Err(wrong("AUTHY_API_KEY", "is required in production")),
            None if sandbox.is_none() && own_provider.is_none() => {
                return Err(wrong("AUTHY_API_KEY", "is required when SANDBOX is off"));
            }
            None => sandbox::API_KEY.to_owned(),
        };
        if from.text("PUSH_MATCH")?.is_some_and(|word| !word.eq_ignore_ascii_case("off")) {
            return Err(wrong("PUSH_MATCH", "only off is available in this version"));
        }
        let default_host = if production { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let default_database = format!("sqlite://{}", data.join("countersign.db").display());
        let database_url = from.text("DATABASE_URL")?.unwrap_or(default_database);
        if crate::store::Backend::of(&database_url).is_none() {
            return Err(wrong("DATABASE_URL", "write sqlite://path or postgres://…"));
        }
        let config = Self {
            mode,
            host: from.parsed("HOST", "an IP address")?.unwrap_or(default_host.into()),
            port: from.parsed("PORT", "a port")?.unwrap_or(3000),
            database_url: Secret::new(database_url),
            database_connections: within(
                "DATABASE_CONNECTIONS",
                from.parsed("DATABASE_CONNECTIONS", "a number")?.unwrap_or(8),
                1..=1000,
            )?,
            database_patience: from.seconds("DATABASE_TIMEOUT_SECONDS", Duration::from_secs(5))?,
            authy_key: Secret::new(authy_key),
            authy_url: own_provider,
            twilio: twilio(&from, sandbox.is_some(), production)?,
            provider_patience: from.seconds("PROVIDER_TIMEOUT_SECONDS", Duration::from_secs(8))?,
            app_secret: app_secret(&from, production, data)?,
            public_url: from.web_address("PUBLIC_URL")?,
            trusted_proxies: trusted_proxies(&from)?,
            bcrypt_cost: bcrypt_cost(&from, production)?,
            token_rotation: TokenRotation(from.one_of("TOKEN_ROTATION", &SWITCH, false)?),
            limits: limits(&from, production)?,
            lifetimes: lifetimes(&from)?,
            sandbox,
            page_dir: from.text("PAGE_DIR")?.map_or_else(|| PathBuf::from("dist"), PathBuf::from),
            log_json: from.one_of("LOG_FORMAT", &[("pretty", false), ("json", true)], production)?,
        };
        for (name, patience) in [
            ("DATABASE_TIMEOUT_SECONDS", config.database_patience),
            ("PROVIDER_TIMEOUT_SECONDS", config.provider_patience),
        ] {
            if patience.is_zero() {
                return Err(wrong(name, "at least one second is needed"));
            }
        }
        Ok(config)
    }

    /// The provider's address: what is set, the sandbox where it runs, the real service otherwise.
    #[must_use]
    pub fn provider_url(&self, sandbox: Option<&str>) -> String {
        match (&self.authy_url, sandbox) {
            (Some(url), _) => url.as_str().to_owned(),
            (None, Some(sandbox)) => sandbox.to_owned(),
            (None, None) => REAL_AUTHY.to_owned(),
        }
    }

    /// Whether cookies are for https alone.
    #[must_use]
    pub fn secure_cookies(&self) -> bool {
        self.mode == Mode::Production || self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

fn sandbox_port(from: &Source<'_>, has_key: bool, production: bool) -> Result<Option<u16>, ConfigError> {
    let words = [("auto", SandboxWish::Auto), ("on", SandboxWish::On), ("off", SandboxWish::Off)];
    let on = match from.one_of("SANDBOX", &words, SandboxWish::Auto)? {
        SandboxWish::On if production => return Err(wrong("SANDBOX", "cannot be on in production")),
        SandboxWish::On => true,
        SandboxWish::Auto => !has_key && !production,
        SandboxWish::Off => false,
    };
    let port = from.parsed("SANDBOX_PORT", "a port")?.unwrap_or(3001);
    Ok(on.then_some(port))
}

/// All of an account or none of it. The sandbox has one of its own.
fn twilio(from: &Source<'_>, sandbox: bool, production: bool) -> Result<Option<TwilioAccount>, ConfigError> {
    const NAMES: [&str; 3] = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_NUMBER"];
    let url = from.web_address("TWILIO_API_URL")?;
    let [sid, token, number] = NAMES.map(|name| from.text(name));
    let (sid, token, number) = match (sid?, token?, number?) {
        (Some(sid), Some(token), Some(number)) => (sid, token, number),
        (None, None, None) if sandbox && url.is_none() => {
            (sandbox::ACCOUNT_SID.to_owned(), sandbox::AUTH_TOKEN.to_owned(), sandbox::NUMBER.to_owned())
        }
        (None, None, None) => return Ok(None),
        (None, ..) => return Err(wrong(NAMES[0], "is required beside the other TWILIO_ variables")),
        (_, None, _) => return Err(wrong(NAMES[1], "is required beside the other TWILIO_ variables")),
        (.., None) => return Err(wrong(NAMES[2], "is required beside the other TWILIO_ variables")),
    };
    let is_sid = sid.len() == 34 && sid.starts_with("AC") && sid[2..].bytes().all(|c| c.is_ascii_hexdigit());
    if !is_sid {
        return Err(wrong(NAMES[0], "is AC and 32 hexadecimal digits"));
    }
    if production && PUBLISHED.contains(&token.as_str()) {
        return Err(wrong(NAMES[1], "is a published example; production needs your own"));
    }
    let is_number = number
        .strip_prefix('+')
        .is_some_and(|digits| (5..=15).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit()));
    if !is_number {
        return Err(wrong(NAMES[2], "is a number in international form, + and digits"));
    }
    Ok(Some(TwilioAccount { sid, token: Secret::new(token), number, url }))
}

/// In development a secret is made once and kept, so that nobody has to think of one and sessions
/// survive a restart.
fn app_secret(from: &Source<'_>, production: bool, data: &Path) -> Result<Secret, ConfigError> {
    const NAME: &str = "APP_SECRET";
    if let Some(secret) = from.text(NAME)? {
        if production && PUBLISHED.contains(&secret.as_str()) {
            return Err(wrong(NAME, "is a published example; production needs your own"));
        }
        if secret.len() < SHORTEST_SECRET {
            return Err(wrong(NAME, format!("at least {SHORTEST_SECRET} characters are needed")));
        }
        return Ok(Secret::new(secret));
    }
    if production {
        return Err(wrong(NAME, "is required in production; `openssl rand -hex 32` makes one"));
    }
    let path = data.join("app_secret");
    let cannot = |error: io::Error| wrong(NAME, format!("{} cannot be used: {error}", path.display()));
    match fs::read_to_string(&path) {
        Ok(secret) if secret.trim().len() >= SHORTEST_SECRET => Ok(Secret::new(secret.trim().to_owned())),
        Ok(_) => Err(wrong(NAME, format!("{} is too short; delete it", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = hex::encode(Random::system().bytes::<32>());
            fs::create_dir_all(data).map_err(cannot)?;
            write_private(&path, &secret).map_err(cannot)?;
            Ok(Secret::new(secret))
        }
        Err(error) => Err(cannot(error)),
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}

fn trusted_proxies(from: &Source<'_>) -> Result<Vec<IpNet>, ConfigError> {
    const NAME: &str = "TRUSTED_PROXIES";
    let list = from.text(NAME)?.unwrap_or_default();
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let net = entry.parse::<IpNet>().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from));
            net.ok_or_else(|| wrong(NAME, format!("{entry:?} is neither an address nor a network")))
        })
        .collect()
}

fn bcrypt_cost(from: &Source<'_>, production: bool) -> Result<u32, ConfigError> {
    const NAME: &str = "BCRYPT_COST";
    let cost = within(NAME, from.parsed(NAME, "a number")?.unwrap_or(12), 4..=15)?;
    if production && cost < 10 {
        return Err(wrong(NAME, "under 10 is refused in production"));
    }
    Ok(cost)
}
