//! The sandbox's memory: phones, users, codes, approval requests, text messages, e-mails.

use std::{collections::BTreeMap, mem};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::phone::PhoneNumber;

use crate::{
    authy::codes::Via,
    fault::Fault,
    mail::Mailbox,
    random,
    soft_token::{OTHER_APP, OWN_APP},
    twilio::verify::{Verify, phone::OwnDevice},
};

/// How long a code sent by text message or call is valid, in milliseconds.
pub(crate) const CODE_LIFETIME_MS: i64 = 10 * 60 * 1000;

/// Everything the sandbox knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// By E.164 number.
    pub(crate) phones: BTreeMap<String, Phone>,
    /// By Authy ID.
    pub(crate) users: BTreeMap<u64, User>,
    /// Oldest first.
    pub(crate) approval_requests: Vec<ApprovalRequest>,
    /// Phone verifications without a user, oldest first.
    pub(crate) verifications: Vec<PhoneVerification>,
    /// Provider calls received, oldest first.
    pub(crate) provider_calls: Vec<ProviderCall>,
    /// The fault that is set.
    pub(crate) fault: Option<Fault>,
    /// Text messages sent by Twilio Messages, oldest first.
    pub(crate) text_messages: Vec<TextMessage>,
    /// Limits beyond which the provider responds 60003.
    pub(crate) limits: Limits,
    /// Twilio Verify.
    pub(crate) verify: Verify,
    /// E-mails.
    pub(crate) mailbox: Mailbox,
}

/// One phone.
#[derive(Debug, Clone)]
pub(crate) struct Phone {
    /// Whether the provider's app is installed.
    pub(crate) app: bool,
    /// Whether it is switched on and has network coverage.
    pub(crate) reachable: bool,
    /// Oldest first.
    pub(crate) messages: Vec<Message>,
    /// What it is for apps that use Verify's push.
    pub(crate) devices: Vec<OwnDevice>,
}

impl Default for Phone {
    fn default() -> Self {
        Self { app: true, reachable: true, messages: Vec::new(), devices: Vec::new() }
    }
}

/// How something arrived on a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MessageVia {
    Sms,
    Call,
    Whatsapp,
}

impl From<Via> for MessageVia {
    fn from(via: Via) -> Self {
        match via {
            Via::Sms => Self::Sms,
            Via::Call => Self::Call,
        }
    }
}

/// A text message or a call that arrived on a phone.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) via: MessageVia,
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
    /// 160 bits, shared with the other app that scanned the last QR code.
    pub(crate) other_secret: [u8; 20],
    pub(crate) codes: Vec<SentCode>,
    /// Codes of authenticator apps that were used: period and step.
    pub(crate) used_steps: Vec<(u32, u64)>,
    /// When codes were sent, for the limit.
    pub(crate) sends_ms: Vec<i64>,
}

/// A code that was sent.
#[derive(Debug, Clone)]
pub(crate) struct SentCode {
    pub(crate) digits: String,
    pub(crate) action: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) used: bool,
}

/// Status of an approval request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ApprovalStatus {
    Pending,
    Approved,
    Denied,
    Expired,
}

/// An approval request that was sent to the app.
#[derive(Debug, Clone)]
pub(crate) struct ApprovalRequest {
    pub(crate) uuid: String,
    pub(crate) user: u64,
    pub(crate) message: String,
    pub(crate) details: Map<String, Value>,
    pub(crate) hidden_details: Map<String, Value>,
    pub(crate) logos: Vec<Value>,
    pub(crate) created_ms: i64,
    /// `None`: it does not expire.
    pub(crate) expires_ms: Option<i64>,
    /// As the person answered it; expiry is not stored, see [`status_at`](Self::status_at).
    pub(crate) status: ApprovalStatus,
    pub(crate) answered_ms: Option<i64>,
}

impl ApprovalRequest {
    /// The status at a point in time: a request without an answer expires.
    pub(crate) fn status_at(&self, now_ms: i64) -> ApprovalStatus {
        match (self.status, self.expires_ms) {
            (ApprovalStatus::Pending, Some(end)) if end <= now_ms => ApprovalStatus::Expired,
            (status, _) => status,
        }
    }
}

/// A phone verification without a user.
#[derive(Debug, Clone)]
pub(crate) struct PhoneVerification {
    pub(crate) uuid: String,
    pub(crate) phone: PhoneNumber,
    pub(crate) code: String,
    pub(crate) expires_ms: i64,
    pub(crate) verified: bool,
    /// How many times it was started.
    pub(crate) starts: u32,
}

/// A call of the provider's API that a client made.
#[derive(Debug, Clone)]
pub(crate) struct ProviderCall {
    pub(crate) at_ms: i64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
}

/// A text message as Twilio keeps it.
#[derive(Debug, Clone)]
pub(crate) struct TextMessage {
    pub(crate) sid: String,
    pub(crate) to: String,
    pub(crate) from: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) body: String,
    /// Addresses of pictures.
    pub(crate) media: Vec<String>,
    /// When it is to be sent; `None` for at once.
    pub(crate) send_at_ms: Option<i64>,
    pub(crate) status: &'static str,
    pub(crate) error_code: Option<u32>,
    /// URL to which changes of its status are reported.
    pub(crate) status_callback: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) sent_ms: Option<i64>,
}

/// Limits of the provider; absent means none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Codes sent per user and hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sends_per_hour: Option<usize>,
    /// How many times one phone verification may be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) starts_per_verification: Option<u32>,
}

/// Result of checking a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenCheck {
    /// Valid: a code sent by text message or call.
    SentCode,
    /// Valid: a code of an authenticator app.
    SoftToken,
    Used,
    Wrong,
}

impl User {
    /// The code to send: the last one if it is still valid for the same action, or a new one.
    pub(crate) fn code_to_send(&mut self, action: Option<&str>, digits: usize, now_ms: i64) -> String {
        self.sends_ms.push(now_ms);
        let valid = self.codes.iter().find(|code| {
            !code.used && code.created_ms + CODE_LIFETIME_MS > now_ms && code.action.as_deref() == action
        });
        if let Some(valid) = valid {
            return valid.digits.clone();
        }
        let digits = random::digits(digits);
        self.codes.push(SentCode {
            digits: digits.clone(),
            action: action.map(str::to_owned),
            created_ms: now_ms,
            used: false,
        });
        digits
    }

    /// Checks a token and marks it as used.
    pub(crate) fn check(&mut self, token: &str, action: Option<&str>, now_ms: i64) -> TokenCheck {
        let sent = self.codes.iter_mut().rev().find(|code| {
            code.digits == token
                && code.action.as_deref() == action
                && code.created_ms + CODE_LIFETIME_MS > now_ms
        });
        if let Some(code) = sent {
            if mem::replace(&mut code.used, true) {
                return TokenCheck::Used;
            }
            self.confirmed = true;
            return TokenCheck::SentCode;
        }
        for (scheme, secret) in [(OWN_APP, self.secret), (OTHER_APP, self.other_secret)] {
            if let Some(step) = scheme.step_of(&secret, token, now_ms) {
                if self.used_steps.contains(&(scheme.period, step)) {
                    return TokenCheck::Used;
                }
                self.used_steps.push((scheme.period, step));
                self.confirmed = true;
                return TokenCheck::SoftToken;
            }
        }
        TokenCheck::Wrong
    }
}

impl State {
    /// The user with this id, unless removed.
    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        let id: u64 = id.parse().ok()?;
        self.users.get(&id).filter(|user| !user.removed)
    }

    /// The same user, mutable.
    pub(crate) fn user_mut(&mut self, id: &str) -> Option<&mut User> {
        let id: u64 = id.parse().ok()?;
        self.users.get_mut(&id).filter(|user| !user.removed)
    }

    /// The user enrolled with this number, unless removed.
    pub(crate) fn user_by_phone(&self, e164_number: &str) -> Option<&User> {
        self.users.values().find(|user| !user.removed && user.phone.e164() == e164_number)
    }

    /// Whether the app is installed on the phone with this number.
    pub(crate) fn has_app(&self, phone: &PhoneNumber) -> bool {
        self.phones.get(&phone.e164()).is_none_or(|phone| phone.app)
    }

    /// Delivers a text message or a call to a phone.
    pub(crate) fn deliver(&mut self, phone: &PhoneNumber, message: Message) {
        self.phones.entry(phone.e164()).or_default().messages.push(message);
    }
}
