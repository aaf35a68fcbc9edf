//! What Verify knows: services, and all that belongs to one.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use serde_json::{Map, Value};

use super::{switches::Switches, totp::Totp};
use crate::{random, twilio::error::TwilioError};

/// A verification lives so long from its first start.
pub(super) const VERIFICATION_LIFETIME_MS: i64 = 10 * 60 * 1000;
/// Codes sent of one verification.
pub(super) const MOST_SENDS: usize = 5;
/// Codes checked of one verification.
pub(super) const MOST_CHECKS: u32 = 5;

/// A new id: two letters and 32 digits.
pub(super) fn sid(prefix: &str) -> String {
    format!("{prefix}{}", hex::encode(random::bytes::<16>()))
}

/// Of factors and challenges the first digits tell the type.
pub(super) fn typed_sid(prefix: &str, kind: FactorKind) -> String {
    let digits = hex::encode(random::bytes::<15>());
    let kind = match kind {
        FactorKind::Push => "03",
        FactorKind::Totp => "02",
    };
    format!("{prefix}{kind}{digits}")
}

/// Everything of the account.
#[derive(Debug)]
pub(crate) struct Verify {
    /// Oldest first.
    pub(super) services: Vec<Service>,
    /// Codes that were sent, oldest first.
    pub(super) attempts: Vec<Attempt>,
    /// Numbers that are never blocked, with their ids.
    pub(super) safe_numbers: BTreeMap<String, String>,
    pub(crate) switches: Switches,
}

/// A service and what belongs to it.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) sid: String,
    pub(super) friendly_name: String,
    pub(super) code_length: usize,
    /// By the name of their parameter.
    pub(super) flags: BTreeMap<&'static str, bool>,
    pub(super) texts: BTreeMap<&'static str, String>,
    pub(super) totp: TotpDefaults,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
    pub(super) verifications: Vec<Verification>,
    pub(super) entities: Vec<Entity>,
    pub(super) access_tokens: Vec<AccessToken>,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) rate_limits: Vec<RateLimit>,
    pub(super) messaging: Vec<MessagingConfiguration>,
}

/// What new TOTP factors of a service have where they say nothing else.
#[derive(Debug, Clone, Default)]
pub(super) struct TotpDefaults {
    pub(super) time_step: Option<u32>,
    pub(super) code_length: Option<u32>,
    pub(super) skew: Option<u32>,
}

/// How a code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Sms,
    Call,
    Email,
    Whatsapp,
}

/// How far a verification has come. One that is not pending any more is forgotten with the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VerificationStatus {
    Pending,
    Approved,
    Canceled,
}

/// A code that was sent to a number or an address.
#[derive(Debug, Clone)]
pub(super) struct Verification {
    pub(super) sid: String,
    /// E.164, or an e-mail address.
    pub(super) to: String,
    pub(super) channel: Channel,
    pub(super) code: String,
    pub(super) status: VerificationStatus,
    pub(super) amount: Option<String>,
    pub(super) payee: Option<String>,
    pub(super) sends: Vec<Send>,
    pub(super) checks: u32,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

/// One sending of a code.
#[derive(Debug, Clone)]
pub(super) struct Send {
    pub(super) attempt: String,
    pub(super) channel: Channel,
    pub(super) at_ms: i64,
}

/// One sending of a code, as the account's list has it.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) sid: String,
    pub(super) service: String,
    pub(super) verification: String,
    pub(super) to: String,
    pub(super) channel: Channel,
    pub(super) code_length: usize,
    pub(super) converted: bool,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

/// A user, by an identity of the client's own.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) sid: String,
    pub(super) identity: String,
    pub(super) created_ms: i64,
    pub(super) factors: Vec<Factor>,
    pub(super) challenges: Vec<Challenge>,
    /// When factors were created, for the limit.
    pub(super) factors_made_ms: Vec<i64>,
}

/// What a factor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FactorKind {
    Push,
    Totp,
}

/// A device or an authenticator.
#[derive(Debug, Clone)]
pub(super) struct Factor {
    pub(super) sid: String,
    pub(super) friendly_name: String,
    pub(super) verified: bool,
    pub(super) holds: Holds,
    pub(super) metadata: Value,
    pub(super) failed_proofs: u32,
    /// Time steps whose codes were used.
    pub(super) used_steps: Vec<u64>,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

/// What proves a factor.
#[derive(Debug, Clone)]
pub(super) enum Holds {
    /// A device's key.
    Push(Device),
    /// A shared secret.
    Totp(Totp),
}

/// What a device has told of itself.
#[derive(Debug, Clone)]
pub(super) struct Device {
    /// The point of the P-256 key, uncompressed.
    pub(super) point: Vec<u8>,
    /// As it was sent.
    pub(super) public_key: String,
    /// Names the key in the device's tokens.
    pub(super) credential: String,
    pub(super) config: Map<String, Value>,
}

/// How a challenge was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Approved,
    Denied,
}

/// A question to one factor.
#[derive(Debug, Clone)]
pub(super) struct Challenge {
    pub(super) sid: String,
    pub(super) factor: String,
    pub(super) kind: FactorKind,
    pub(super) details: Value,
    pub(super) hidden_details: Value,
    pub(super) answer: Option<Answer>,
    pub(super) failed_checks: u32,
    pub(super) notifications: u32,
    pub(super) created_ms: i64,
    pub(super) expires_ms: i64,
    pub(super) responded_ms: Option<i64>,
}

/// Lets a device register itself.
#[derive(Debug, Clone)]
pub(super) struct AccessToken {
    pub(super) sid: String,
    pub(super) identity: String,
    pub(super) friendly_name: Option<String>,
    pub(super) token: String,
    pub(super) ttl: u32,
    pub(super) created_ms: i64,
}

/// Where events of factors and challenges are told.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    pub(super) sid: String,
    pub(super) friendly_name: String,
    pub(super) event_types: Vec<String>,
    pub(super) url: String,
    pub(super) enabled: bool,
    pub(super) version: String,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

/// A limit on starts of verifications, by a value that the client names.
#[derive(Debug)]
pub(super) struct RateLimit {
    pub(super) sid: String,
    pub(super) unique_name: String,
    pub(super) description: String,
    pub(super) buckets: Vec<Bucket>,
    /// Value and time of each counted start.
    pub(super) starts: Vec<(String, i64)>,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

/// So many starts in so many seconds.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) sid: String,
    pub(super) max: u32,
    pub(super) interval: u32,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

/// Which messaging service is used for a country; kept, not used.
#[derive(Debug)]
pub(super) struct MessagingConfiguration {
    pub(super) country: String,
    pub(super) service: String,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

impl Channel {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "sms" | "auto" => Self::Sms,
            "call" => Self::Call,
            "email" => Self::Email,
            "whatsapp" => Self::Whatsapp,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call => "call",
            Self::Email => "email",
            Self::Whatsapp => "whatsapp",
        }
    }
}

impl VerificationStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Canceled => "canceled",
        }
    }
}

impl Verification {
    /// Whether it is known to the API.
    pub(super) fn is_live(&self, now: i64) -> bool {
        self.status == VerificationStatus::Pending && now < self.created_ms + VERIFICATION_LIFETIME_MS
    }
}

impl FactorKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Totp => "totp",
        }
    }
}

impl Factor {
    pub(super) fn kind(&self) -> FactorKind {
        match self.holds {
            Holds::Push(_) => FactorKind::Push,
            Holds::Totp(_) => FactorKind::Totp,
        }
    }
}

impl Challenge {
    pub(super) fn status(&self, now: i64) -> &'static str {
        match self.answer {
            Some(Answer::Approved) => "approved",
            Some(Answer::Denied) => "denied",
            None if now >= self.expires_ms => "expired",
            None => "pending",
        }
    }
}

impl AccessToken {
    pub(super) fn is_live(&self, now: i64) -> bool {
        now < self.created_ms + i64::from(self.ttl) * 1000
    }
}

impl Verify {
    pub(super) fn service(&self, sid: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.sid == sid)
    }

    /// The service a path names.
    pub(super) fn find(&self, request: &HttpRequest, sid: &str) -> Result<&Service, TwilioError> {
        self.service(sid).ok_or_else(|| TwilioError::not_found(request.path()))
    }

    /// The same, to change it.
    pub(super) fn find_mut(&mut self, request: &HttpRequest, sid: &str) -> Result<&mut Service, TwilioError> {
        let service = self.services.iter_mut().find(|service| service.sid == sid);
        service.ok_or_else(|| TwilioError::not_found(request.path()))
    }
}

impl Service {
    /// The verification that lives, by its id or by the number or address.
    pub(super) fn verification_mut(&mut self, name: &str, now: i64) -> Option<&mut Verification> {
        self.verifications
            .iter_mut()
            .rev()
            .find(|known| known.is_live(now) && (known.sid == name || known.to == name))
    }

    /// Identities in another case name the same entity.
    pub(super) fn entity(&self, identity: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.identity.eq_ignore_ascii_case(identity))
    }

    pub(super) fn entity_mut(&mut self, identity: &str) -> Option<&mut Entity> {
        self.entities.iter_mut().find(|entity| entity.identity.eq_ignore_ascii_case(identity))
    }
}

impl Entity {
    pub(super) fn new(identity: &str, now: i64) -> Self {
        Self {
            sid: sid("YE"),
            identity: identity.to_owned(),
            created_ms: now,
            factors: Vec::new(),
            challenges: Vec::new(),
            factors_made_ms: Vec::new(),
        }
    }

    pub(super) fn factor(&self, sid: &str) -> Option<&Factor> {
        self.factors.iter().find(|factor| factor.sid == sid)
    }

    pub(super) fn factor_mut(&mut self, sid: &str) -> Option<&mut Factor> {
        self.factors.iter_mut().find(|factor| factor.sid == sid)
    }

    pub(super) fn challenge(&self, sid: &str) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.sid == sid)
    }

    pub(super) fn challenge_mut(&mut self, sid: &str) -> Option<&mut Challenge> {
        self.challenges.iter_mut().find(|challenge| challenge.sid == sid)
    }
}
