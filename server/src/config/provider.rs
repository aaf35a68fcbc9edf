//! `AUTHY_…`, `TWILIO_…`, `SANDBOX…`: who talks to the phone.

use shared::sandbox;
use url::Url;

use super::source::Source;
use crate::domain::secret::Secret;

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
    pub(super) twilio: Option<TwilioAccount>,
    pub(super) sandbox: Option<u16>,
}

pub(super) fn read(from: &Source<'_>) -> ProviderSettings {
    let key = from.secret("AUTHY_API_KEY", SHORTEST_KEY);
    let key = key.or_else(|| from.secret("ACCOUNT_SECURITY_API_KEY", SHORTEST_KEY));
    let sandbox = sandbox_port(from, key.is_some());
    let authy_url = from.web_address("AUTHY_API_URL");
    let authy_key = match key {
        // The sandbox accepts its own key only.
        _ if sandbox.is_some() && authy_url.is_none() => sandbox::API_KEY.to_owned(),
        Some(key) => key,
        None => {
            if from.production {
                from.wrong("AUTHY_API_KEY", "is required in production");
            } else if sandbox.is_none() && authy_url.is_none() {
                from.wrong("AUTHY_API_KEY", "is required when SANDBOX is off");
            }
            sandbox::API_KEY.to_owned()
        }
    };
    let twilio = twilio(from, sandbox.is_some());
    ProviderSettings { authy_key: Secret::new(authy_key), authy_url, twilio, sandbox }
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

/// All of an account or none of it. The sandbox has one of its own.
fn twilio(from: &Source<'_>, sandbox: bool) -> Option<TwilioAccount> {
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
