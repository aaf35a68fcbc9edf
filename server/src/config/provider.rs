//! `PROVIDER`, `AUTHY_…`, `VERIFY_…`, `TWILIO_…`, `SANDBOX…`: who talks to the phone.

use shared::sandbox;
use url::Url;

use super::source::Source;
use crate::{domain::secret::Secret, provider::verify::Services};

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
    /// `TWILIO_ACCOUNT_SID`.
    pub sid: String,
    /// `TWILIO_AUTH_TOKEN`.
    pub token: Secret,
    /// `VERIFY_SERVICE_SID`, `VERIFY_ENROLMENT_SERVICE_SID`, `VERIFY_NUMBER_SERVICE_SID`.
    pub services: Services,
    /// `VERIFY_API_URL`; none means the sandbox when it runs, the real service otherwise.
    pub url: Option<Url>,
}

/// Where Verify is when no address is set.
pub(super) const REAL_VERIFY: &str = "https://verify.twilio.com";
/// Where the Authy API is when no address is set.
pub(super) const REAL_AUTHY: &str = "https://api.authy.com";
/// Where texts are sent when no address is set.
pub const REAL_TWILIO: &str = "https://api.twilio.com";
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
    pub(super) authy_key: Secret,
    pub(super) authy_url: Option<Url>,
    pub(super) verify: Option<VerifyAccount>,
    pub(super) twilio: Option<TwilioAccount>,
    pub(super) sandbox: Option<u16>,
}

pub(super) fn read(from: &Source<'_>) -> ProviderSettings {
    let key = from.secret("AUTHY_API_KEY", SHORTEST_KEY);
    let key = key.or_else(|| from.secret("ACCOUNT_SECURITY_API_KEY", SHORTEST_KEY));
    let is_verify = from.one_of("PROVIDER", &[("authy", false), ("verify", true)], false);
    let has_key = if is_verify { from.text(SERVICES[0]).is_some() } else { key.is_some() };
    let sandbox = sandbox_port(from, has_key);
    let authy_url = from.web_address("AUTHY_API_URL");
    let authy_key = match key {
        // The sandbox accepts its own key only.
        _ if sandbox.is_some() && authy_url.is_none() => sandbox::API_KEY.to_owned(),
        Some(key) => key,
        None if is_verify => sandbox::API_KEY.to_owned(),
        None => {
            if from.production {
                from.wrong("AUTHY_API_KEY", "is required in production");
            } else if sandbox.is_none() && authy_url.is_none() {
                from.wrong("AUTHY_API_KEY", "is required when SANDBOX is off");
            }
            sandbox::API_KEY.to_owned()
        }
    };
    let twilio = twilio(from, sandbox.is_some(), is_verify);
    let verify = if is_verify { verify(from, sandbox.is_some()) } else { None };
    ProviderSettings { authy_key: Secret::new(authy_key), authy_url, verify, twilio, sandbox }
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

const SERVICES: [&str; 3] =
    ["VERIFY_SERVICE_SID", "VERIFY_ENROLMENT_SERVICE_SID", "VERIFY_NUMBER_SERVICE_SID"];

/// The account with three services of its own. The sandbox has all of them.
fn verify(from: &Source<'_>, sandbox: bool) -> Option<VerifyAccount> {
    let url = from.web_address("VERIFY_API_URL");
    let given = SERVICES.map(|name| from.text(name));
    let (sid, token) = (from.text("TWILIO_ACCOUNT_SID"), from.secret("TWILIO_AUTH_TOKEN", SHORTEST_KEY));
    if sandbox && url.is_none() && given.iter().all(Option::is_none) {
        let [sign_in, enrolment, numbers] = sandbox::SERVICE_SIDS.map(str::to_owned);
        let (sid, token) = (sandbox::ACCOUNT_SID.to_owned(), Secret::new(sandbox::AUTH_TOKEN.to_owned()));
        return Some(VerifyAccount { sid, token, services: Services { sign_in, enrolment, numbers }, url });
    }
    let is_sid = |sid: &str| is_twilio_sid(sid, "VA");
    for (name, sid) in SERVICES.iter().zip(&given) {
        match sid {
            None => from.wrong(name, "is required with PROVIDER=verify"),
            Some(sid) if !is_sid(sid) => from.wrong(name, "is VA and 32 hexadecimal digits, in lower case"),
            Some(sid) if from.production && sandbox::SERVICE_SIDS.contains(&sid.as_str()) => {
                from.wrong(name, "is the sandbox's");
            }
            Some(_) => {}
        }
    }
    let [Some(sign_in), Some(enrolment), Some(numbers)] = given else { return None };
    if sign_in == enrolment || sign_in == numbers || enrolment == numbers {
        from.wrong(SERVICES[1], "names a service of its own: codes are known by service and number alone");
    }
    for (name, is_there) in [("TWILIO_ACCOUNT_SID", sid.is_some()), ("TWILIO_AUTH_TOKEN", token.is_some())] {
        if !is_there {
            from.wrong(name, "is required with PROVIDER=verify");
        }
    }
    if sid.as_deref().is_some_and(|sid| !is_twilio_sid(sid, "AC")) {
        from.wrong("TWILIO_ACCOUNT_SID", "is AC and 32 hexadecimal digits");
    }
    let services = Services { sign_in, enrolment, numbers };
    Some(VerifyAccount { sid: sid?, token: Secret::new(token?), services, url })
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
        (Some(_), Some(_), None) if is_verify => return None,
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
    let is_sid = sid.len() == 34 && sid.starts_with("AC") && sid[2..].bytes().all(|c| c.is_ascii_hexdigit());
    if !is_sid {
        from.wrong(NAMES[0], "is AC and 32 hexadecimal digits");
    }
    let is_number = number
        .strip_prefix('+')
        .is_some_and(|digits| (5..=15).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit()));
    if !is_number {
        from.wrong(NAMES[2], "is a number in international form, + and digits");
    }
    Some(TwilioAccount { sid, token: Secret::new(token), number, url })
}
