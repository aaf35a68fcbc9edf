//! `PROVIDER`, `AUTHY_…`, `VERIFY_…`, `TWILIO_…`, `SANDBOX…`: who talks to the phone.

use shared::{Via, sandbox};
use url::Url;

use super::source::Source;
use crate::{
    domain::{channels::Channels, secret::Secret},
    provider::{
        ProviderKind,
        verify::{Credentials, Services},
    },
};

/// `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN`, `TWILIO_NUMBER`, `TWILIO_API_URL`.
#[derive(Debug, Clone)]
pub struct TwilioAccount {
    /// `AC` and 32 hexadecimal digits.
    pub sid: String,
    /// Authenticates the account, and signs its reports.
    pub token: Secret,
    /// The number texts come from, `+` and digits.
    pub number: String,
    /// Where the account is; none means the sandbox when it runs, the real service otherwise.
    pub url: Option<Url>,
}

/// `VERIFY_…`: the account and the services of Twilio Verify.
#[derive(Debug, Clone)]
pub struct VerifyAccount {
    /// `TWILIO_ACCOUNT_SID`, with `TWILIO_AUTH_TOKEN` or `TWILIO_API_KEY_SID` and `TWILIO_API_KEY_SECRET`.
    pub credentials: Credentials,
    /// `VERIFY_SERVICE_SID`, `VERIFY_ENROLMENT_SERVICE_SID`, `VERIFY_NUMBER_SERVICE_SID`.
    pub services: Services,
    /// `VERIFY_API_URL`; none means the sandbox when it runs, the real service otherwise.
    pub url: Option<Url>,
}

/// `AUTHY_…`: the application at the Authy API.
#[derive(Debug, Clone)]
pub struct AuthyAccount {
    /// `AUTHY_API_KEY`, or `ACCOUNT_SECURITY_API_KEY`.
    pub key: Secret,
    /// `AUTHY_API_URL`; none means the sandbox when it runs, the real service otherwise.
    pub url: Option<Url>,
}

/// Where users are enrolled: at `PROVIDER`, and until they are moved at the other one, where its settings are there.
#[derive(Debug, Clone)]
pub struct ProviderAccounts {
    /// `PROVIDER`: new users, and all who are moved.
    pub current: ProviderKind,
    /// The Authy API.
    pub authy: Option<AuthyAccount>,
    /// Twilio Verify.
    pub verify: Option<VerifyAccount>,
}

/// Where Verify is when no address is set.
pub(super) const REAL_VERIFY: &str = "https://verify.twilio.com";
/// Where the Authy API is when no address is set.
pub(super) const REAL_AUTHY: &str = "https://api.authy.com";
/// Where texts are sent when no address is set.
pub(super) const REAL_TWILIO: &str = "https://api.twilio.com";
/// Shorter keys are not the provider's.
const SHORTEST_KEY: usize = 16;

#[derive(Clone, Copy)]
enum SandboxWish {
    Auto,
    On,
    Off,
}

/// What these variables say together.
pub(super) struct ProviderSettings {
    pub(super) accounts: ProviderAccounts,
    pub(super) channels: Channels,
    pub(super) twilio: Option<TwilioAccount>,
    pub(super) sandbox: Option<u16>,
}

pub(super) fn read(from: &Source<'_>) -> ProviderSettings {
    let key = from.secret("AUTHY_API_KEY", SHORTEST_KEY);
    let key = key.or_else(|| from.secret("ACCOUNT_SECURITY_API_KEY", SHORTEST_KEY));
    let kinds = [("authy", ProviderKind::Authy), ("verify", ProviderKind::Verify)];
    let current = from.one_of("PROVIDER", &kinds, ProviderKind::Authy);
    let has_services = SERVICES.iter().any(|name| from.text(name).is_some());
    let has_key = if current == ProviderKind::Verify { has_services } else { key.is_some() };
    let sandbox = sandbox_port(from, has_key);
    let uses_verify = current == ProviderKind::Verify || has_services;
    let authy = match current {
        ProviderKind::Authy => Some(authy(from, key, sandbox.is_some())),
        ProviderKind::Verify => {
            key.map(|key| AuthyAccount { key: Secret::new(key), url: from.web_address("AUTHY_API_URL") })
        }
    };
    let twilio = twilio(from, sandbox.is_some(), uses_verify);
    let verify = if uses_verify { verify(from, sandbox.is_some()) } else { None };
    let channels = channels(from, current);
    ProviderSettings { accounts: ProviderAccounts { current, authy, verify }, channels, twilio, sandbox }
}

/// The application that new users are enrolled at.
fn authy(from: &Source<'_>, key: Option<String>, sandbox: bool) -> AuthyAccount {
    let url = from.web_address("AUTHY_API_URL");
    let key = match key {
        // The sandbox accepts its own key only.
        _ if sandbox && url.is_none() => sandbox::API_KEY.to_owned(),
        Some(key) => key,
        None => {
            if from.production {
                from.wrong("AUTHY_API_KEY", "is required in production");
            } else if !sandbox && url.is_none() {
                from.wrong("AUTHY_API_KEY", "is required when SANDBOX is off");
            }
            sandbox::API_KEY.to_owned()
        }
    };
    AuthyAccount { key: Secret::new(key), url }
}

/// `CODE_CHANNELS`: how codes may be sent.
fn channels(from: &Source<'_>, current: ProviderKind) -> Channels {
    const NAME: &str = "CODE_CHANNELS";
    let Some(list) = from.text(NAME) else { return Channels::default() };
    let mut ways = Vec::new();
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        match Via::from_name(&entry.to_lowercase()) {
            Some(way) => ways.push(way),
            None => from.wrong(NAME, format!("{entry:?} is none of sms, call, whatsapp, email")),
        }
    }
    if current == ProviderKind::Authy && ways.iter().any(|way| matches!(way, Via::WhatsApp | Via::Email)) {
        from.wrong(NAME, "whatsapp and email need PROVIDER=verify");
    }
    if ways.contains(&Via::Email) {
        if from.text("SMTP_URL").is_some() {
            // Whoever reads the mailbox would have both factors.
            from.wrong(
                NAME,
                "email cannot be there beside SMTP_URL: the same mailbox would reset the password",
            );
        }
        if ways.len() == 1 {
            // It verifies no phone, and numbers without an account have no e-mail.
            from.wrong(NAME, "names sms, call or whatsapp beside email");
        }
        from.weak("CODE_CHANNELS has email: whoever reads somebody's mailbox has a second factor");
    }
    Channels::new(ways).unwrap_or_default()
}

fn sandbox_port(from: &Source<'_>, has_key: bool) -> Option<u16> {
    let words = [("auto", SandboxWish::Auto), ("on", SandboxWish::On), ("off", SandboxWish::Off)];
    let is_built_in = cfg!(feature = "emulator");
    let on = match from.one_of("SANDBOX", &words, SandboxWish::Auto) {
        SandboxWish::On if from.production => {
            from.wrong("SANDBOX", "cannot be on in production");
            false
        }
        SandboxWish::On if !is_built_in => {
            from.wrong("SANDBOX", "this server was built without the feature `emulator`");
            false
        }
        SandboxWish::On => true,
        SandboxWish::Auto => !has_key && !from.production && is_built_in,
        SandboxWish::Off => false,
    };
    let port = from.parsed("SANDBOX_PORT", "a port").unwrap_or(3001);
    on.then_some(port)
}

pub(super) const SERVICES: [&str; 3] =
    ["VERIFY_SERVICE_SID", "VERIFY_ENROLMENT_SERVICE_SID", "VERIFY_NUMBER_SERVICE_SID"];

/// The account with three services of its own. The sandbox has all of them.
fn verify(from: &Source<'_>, sandbox: bool) -> Option<VerifyAccount> {
    let url = from.web_address("VERIFY_API_URL");
    let given = SERVICES.map(|name| from.text(name));
    if sandbox && url.is_none() && given.iter().all(Option::is_none) {
        let [sign_in, enrolment, numbers] = sandbox::SERVICE_SIDS.map(str::to_owned);
        let token = Secret::new(sandbox::AUTH_TOKEN.to_owned());
        let credentials = Credentials {
            account: sandbox::ACCOUNT_SID.to_owned(),
            user: sandbox::ACCOUNT_SID.to_owned(),
            password: token.clone(),
            auth_token: Some(token),
        };
        return Some(VerifyAccount { credentials, services: Services { sign_in, enrolment, numbers }, url });
    }
    for (name, sid) in SERVICES.iter().zip(&given) {
        match sid {
            None => from.wrong(
                name,
                "is required with the other VERIFY_ variables; countersign setup verify makes it",
            ),
            Some(sid) if !is_twilio_sid(sid, "VA") => {
                from.wrong(name, "is VA and 32 hexadecimal digits, in lower case");
            }
            Some(sid) if from.production && sandbox::SERVICE_SIDS.contains(&sid.as_str()) => {
                from.wrong(name, "is the sandbox's");
            }
            Some(_) => {}
        }
    }
    let credentials = credentials(from);
    let [Some(sign_in), Some(enrolment), Some(numbers)] = given else { return None };
    if sign_in == enrolment || sign_in == numbers || enrolment == numbers {
        from.wrong(SERVICES[1], "names a service of its own: codes are known by service and number alone");
    }
    let services = Services { sign_in, enrolment, numbers };
    Some(VerifyAccount { credentials: credentials?, services, url })
}

/// What calls to Verify authenticate with: an API key where there is one, else the auth token.
pub(super) fn credentials(from: &Source<'_>) -> Option<Credentials> {
    const KEY: [&str; 2] = ["TWILIO_API_KEY_SID", "TWILIO_API_KEY_SECRET"];
    let (account, token) = (from.text("TWILIO_ACCOUNT_SID"), from.secret("TWILIO_AUTH_TOKEN", SHORTEST_KEY));
    let (key_sid, key_secret) = (from.text(KEY[0]), from.secret(KEY[1], SHORTEST_KEY));
    match &account {
        None => from.wrong("TWILIO_ACCOUNT_SID", "is required for Twilio Verify"),
        Some(sid) if !is_twilio_sid(sid, "AC") => {
            from.wrong("TWILIO_ACCOUNT_SID", "is AC and 32 hexadecimal digits, in lower case");
        }
        Some(_) => {}
    }
    let auth_token = token.map(Secret::new);
    if auth_token.is_none() {
        from.weak("TWILIO_AUTH_TOKEN is not set: no webhook of Verify is accepted, answers are polled for");
    }
    let (user, password) = match (key_sid, key_secret, &auth_token) {
        (Some(sid), Some(secret), _) => {
            if !is_twilio_sid(&sid, "SK") {
                from.wrong(KEY[0], "is SK and 32 hexadecimal digits, in lower case");
            }
            (sid, Secret::new(secret))
        }
        (None, None, Some(token)) => (account.clone()?, token.clone()),
        (None, None, None) => {
            from.wrong(
                "TWILIO_AUTH_TOKEN",
                "is required for Twilio Verify, or an API key: TWILIO_API_KEY_SID",
            );
            return None;
        }
        (Some(_), None, _) => {
            from.wrong(KEY[1], "is required beside TWILIO_API_KEY_SID");
            return None;
        }
        (None, Some(_), _) => {
            from.wrong(KEY[0], "is required beside TWILIO_API_KEY_SECRET");
            return None;
        }
    };
    Some(Credentials { account: account?, user, password, auth_token })
}

fn is_twilio_sid(sid: &str, prefix: &str) -> bool {
    let is_digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    sid.len() == 34 && sid.strip_prefix(prefix).is_some_and(|digits| digits.bytes().all(is_digit))
}

/// All of an account or none of it; without a number where it is there for Verify alone. The sandbox has one of its
/// own.
fn twilio(from: &Source<'_>, sandbox: bool, is_verify: bool) -> Option<TwilioAccount> {
    const NAMES: [&str; 3] = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_NUMBER"];
    let url = from.web_address("TWILIO_API_URL");
    let (sid, token, number) =
        (from.text(NAMES[0]), from.secret(NAMES[1], SHORTEST_KEY), from.text(NAMES[2]));
    let (sid, token, number) = match (sid, token, number) {
        (Some(sid), Some(token), Some(number)) => (sid, token, number),
        (None, None, None) if sandbox && url.is_none() => {
            (sandbox::ACCOUNT_SID.to_owned(), sandbox::AUTH_TOKEN.to_owned(), sandbox::NUMBER.to_owned())
        }
        (None, None, None) => {
            if from.production {
                from.weak("TWILIO_… is not set: verified phones are not told by text");
            }
            return None;
        }
        // They are there for Verify alone.
        (_, _, None) if is_verify => return None,
        (sid, token, _) => {
            let missing = match (sid, token) {
                (None, _) => NAMES[0],
                (_, None) => NAMES[1],
                _ => NAMES[2],
            };
            from.wrong(missing, "is required beside the other TWILIO_ variables");
            return None;
        }
    };
    if !is_twilio_sid(&sid, "AC") {
        from.wrong(NAMES[0], "is AC and 32 hexadecimal digits, in lower case");
    }
    let is_number = number
        .strip_prefix('+')
        .is_some_and(|digits| (5..=15).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit()));
    if !is_number {
        from.wrong(NAMES[2], "is a number in international form, + and digits");
    }
    Some(TwilioAccount { sid, token: Secret::new(token), number, url })
}
