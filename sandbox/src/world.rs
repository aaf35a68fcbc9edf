//! What the sandbox remembers: phones, users, codes, approval requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::{Via, phone::PhoneNumber};

use crate::{
    faults::Fault,
    soft_token::{OTHER_APP, OWN_APP},
    twilio::Text,
};

/// A code sent by text or call lives this long.
pub(crate) const CODE_LIFE_MS: i64 = 10 * 60 * 1000;

/// Everything, in memory.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// By E.164 number.
    pub(crate) phones: BTreeMap<String, Phone>,
    /// By Authy ID.
    pub(crate) users: BTreeMap<u64, User>,
    /// Oldest first.
    pub(crate) approvals: Vec<Approval>,
    /// Phone verifications without a user, oldest first.
    pub(crate) verifications: Vec<Verification>,
    /// Provider calls received, oldest first.
    pub(crate) requests: Vec<Request>,
    /// What goes wrong next.
    pub(crate) fault: Option<Fault>,
    /// Texts sent by Twilio Messages, oldest first.
    pub(crate) texts: Vec<Text>,
    /// When the provider refuses with 60003.
    pub(crate) limits: Limits,
}

/// One handset.
#[derive(Debug, Clone)]
pub(crate) struct Phone {
    pub(crate) app: bool,
    /// Switched on and within reach of its network.
    pub(crate) reachable: bool,
    /// Oldest first.
    pub(crate) messages: Vec<Message>,
}

impl Default for Phone {
    fn default() -> Self {
        Self { app: true, reachable: true, messages: Vec::new() }
    }
}

/// A text that arrived or a call that was spoken.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) via: Via,
    pub(crate) body: String,
    pub(crate) code: Option<String>,
    pub(crate) at_ms: i64,
}

/// A person enrolled at the provider.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) phone: PhoneNumber,
    pub(crate) email: String,
    pub(crate) confirmed: bool,
    pub(crate) removed: bool,
    pub(crate) created_ms: i64,
    /// 160 bits, shared with the provider's own app.
    pub(crate) secret: [u8; 20],
    /// 160 bits, shared with whatever other app has read the last QR code.
    pub(crate) other_secret: [u8; 20],
    pub(crate) codes: Vec<SentCode>,
    /// Codes of authenticator apps that were used: period and step.
    pub(crate) used_steps: Vec<(u32, u64)>,
    /// When codes were sent, for the limit.
    pub(crate) sends_ms: Vec<i64>,
}

/// A code under way.
#[derive(Debug, Clone)]
pub(crate) struct SentCode {
    pub(crate) digits: String,
    pub(crate) action: Option<String>,
    pub(crate) made_ms: i64,
    pub(crate) used: bool,
}

/// What became of an approval request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Pending,
    Approved,
    Denied,
    Expired,
}

/// A push.
#[derive(Debug, Clone)]
pub(crate) struct Approval {
    pub(crate) uuid: String,
    pub(crate) user: u64,
    pub(crate) message: String,
    pub(crate) details: Map<String, Value>,
    pub(crate) hidden_details: Map<String, Value>,
    pub(crate) logos: Vec<Value>,
    pub(crate) created_ms: i64,
    /// `None`: never.
    pub(crate) expires_ms: Option<i64>,
    pub(crate) answer: Answer,
    pub(crate) answered_ms: Option<i64>,
}

impl Approval {
    /// How it stands at a moment: an unanswered request expires by itself.
    pub(crate) fn answer_at(&self, now_ms: i64) -> Answer {
        match (self.answer, self.expires_ms) {
            (Answer::Pending, Some(end)) if end <= now_ms => Answer::Expired,
            (answer, _) => answer,
        }
    }
}

/// A phone verification without a user.
#[derive(Debug, Clone)]
pub(crate) struct Verification {
    pub(crate) uuid: String,
    pub(crate) phone: PhoneNumber,
    pub(crate) code: String,
    pub(crate) expires_ms: i64,
    pub(crate) verified: bool,
    pub(crate) starts: u32,
}

/// A call a client made.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) at_ms: i64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
}

/// Limits of the provider; absent means none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Codes sent per user and hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sends_per_hour: Option<usize>,
    /// Starts of one running phone verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) starts_per_verification: Option<u32>,
}

/// What `verify` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    /// By text or call.
    SentCode,
    /// By an authenticator app.
    SoftToken,
    Used,
    Wrong,
}

impl User {
    /// The code to send: the running one while it lives, bound to its action.
    pub(crate) fn code_to_send(&mut self, action: Option<&str>, now_ms: i64) -> String {
        self.sends_ms.push(now_ms);
        let running = self.codes.iter().find(|code| {
            !code.used && code.made_ms + CODE_LIFE_MS > now_ms && code.action.as_deref() == action
        });
        if let Some(running) = running {
            return running.digits.clone();
        }
        let digits = random_digits(7);
        self.codes.push(SentCode {
            digits: digits.clone(),
            action: action.map(str::to_owned),
            made_ms: now_ms,
            used: false,
        });
        digits
    }

    /// Checks a token and uses it up.
    pub(crate) fn check(&mut self, token: &str, action: Option<&str>, now_ms: i64) -> Checked {
        let sent = self.codes.iter_mut().rev().find(|code| {
            code.digits == token && code.action.as_deref() == action && code.made_ms + CODE_LIFE_MS > now_ms
        });
        if let Some(code) = sent {
            if std::mem::replace(&mut code.used, true) {
                return Checked::Used;
            }
            self.confirmed = true;
            return Checked::SentCode;
        }
        for (scheme, secret) in [(OWN_APP, self.secret), (OTHER_APP, self.other_secret)] {
            if let Some(step) = scheme.step_of(&secret, token, now_ms) {
                if self.used_steps.contains(&(scheme.period, step)) {
                    return Checked::Used;
                }
                self.used_steps.push((scheme.period, step));
                self.confirmed = true;
                return Checked::SoftToken;
            }
        }
        Checked::Wrong
    }
}

impl World {
    /// The user with this id, unless removed.
    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        let id: u64 = id.parse().ok()?;
        self.users.get(&id).filter(|user| !user.removed)
    }

    /// The same, to change.
    pub(crate) fn user_mut(&mut self, id: &str) -> Option<&mut User> {
        let id: u64 = id.parse().ok()?;
        self.users.get_mut(&id).filter(|user| !user.removed)
    }

    /// The user enrolled with this number, unless removed.
    pub(crate) fn user_of(&self, e164_number: &str) -> Option<&User> {
        self.users.values().find(|user| !user.removed && user.phone.e164() == e164_number)
    }

    /// Whether the app is installed on the phone with this number.
    pub(crate) fn has_app(&self, phone: &PhoneNumber) -> bool {
        self.phones.get(&phone.e164()).is_none_or(|phone| phone.app)
    }

    /// Puts a message on a phone.
    pub(crate) fn deliver(&mut self, phone: &PhoneNumber, message: Message) {
        self.phones.entry(phone.e164()).or_default().messages.push(message);
    }
}

/// Uniform decimal digits.
pub(crate) fn random_digits(count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + random_below(10))).collect()
}

/// A uniform number below `limit`.
fn random_below(limit: u8) -> u8 {
    let fair = u8::MAX - u8::MAX % limit;
    loop {
        let [byte] = random_bytes();
        if byte < fair {
            return byte % limit;
        }
    }
}

/// Bytes nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}

/// A random UUID (RFC 9562, version 4).
pub(crate) fn random_uuid() -> String {
    let mut bytes = random_bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
