//! What clients are told of a session's status: as it was read, and at a moment.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};
use shared::{Channel, PushStatus, Way};

use super::status::PushView;
use crate::{
    domain::{
        approval::{PROVIDER_USER_LABEL, poll_after_ms},
        clock::{Timestamp, milliseconds},
        factor::Method,
        limits::Lifetimes,
        session::Progress,
    },
    store::status::{Push, StatusRow},
};

/// A session's status as it was read, with what answers to it have in common.
#[derive(Debug)]
pub(super) struct KnownStatus {
    pub(super) row: StatusRow,
    /// The masked number.
    phone: Box<RawValue>,
    /// The ways that can work now.
    ways: Box<RawValue>,
    request: Option<RequestTexts>,
    /// Of what was read, the same at every server.
    digest: String,
}

/// What is shown of an approval request and no time changes, as JSON: it is read once and told often.
#[derive(Debug)]
struct RequestTexts {
    uuid: Box<RawValue>,
    message: Box<RawValue>,
    details: Box<RawValue>,
    expires_at: Box<RawValue>,
}

/// A session's status at a moment; on the wire a [`shared::StatusAnswer`].
#[derive(Debug, Clone)]
pub struct SessionStatus {
    pub(super) known: Arc<KnownStatus>,
    pub(super) now: Timestamp,
}

/// [`shared::StatusAnswer`], borrowed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    status: PushStatus,
    poll_after_ms: u32,
    phone: &'a RawValue,
    ways: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_channel: Option<Channel>,
    version: &'a str,
    #[serde(rename = "match", skip_serializing_if = "std::ops::Not::not")]
    needs_number: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    number_due: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_request: Option<ShownRequest<'a>>,
}

/// [`shared::ApprovalRequest`], borrowed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownRequest<'a> {
    uuid: &'a RawValue,
    message: &'a RawValue,
    details: &'a RawValue,
    expires_at: &'a RawValue,
    expires_in_ms: u32,
    lifetime_ms: u32,
}

impl KnownStatus {
    pub(super) fn of(row: StatusRow, ways: &[Way]) -> Self {
        let push = row.push.as_ref();
        let reference = push.and_then(|push| push.reference.as_deref());
        let sent = push.map_or(0, |push| push.created_at.0);
        let settled = push.and_then(|push| push.settled_at).map(|at| at.0);
        let read = (row.state as u8, row.factor_at.map(|at| at.0), sent, settled, ways);
        let digest = Sha256::digest(format!("{}\n{}\n{read:?}", row.session, reference.unwrap_or_default()));
        // The provider's id of the user, which the phone shows to clients of the cookie API, is shown to nobody
        // who has not passed a factor.
        let shows_provider_user = row.factor.is_some();
        let request = push.zip(reference).map(|(push, uuid)| {
            let details = serde_json::from_str(&push.details).ok();
            let mut details: BTreeMap<String, String> = details.unwrap_or_default();
            details.retain(|label, _| shows_provider_user || label != PROVIDER_USER_LABEL);
            RequestTexts {
                uuid: json(uuid),
                message: json(&push.message),
                details: json(&details),
                expires_at: json(&push.expires_at.to_rfc3339()),
            }
        });
        let (phone, ways) = (json(&row.phone.masked()), json(ways));
        Self { phone, ways, request, digest: hex::encode(&digest[..8]), row }
    }
}

fn json<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("texts are JSON")
}

impl SessionStatus {
    fn push(&self) -> Option<&Push> {
        self.known.row.push.as_ref()
    }

    /// That of the newest approval request; `Unverified` where none was sent.
    #[must_use]
    pub fn status(&self) -> PushStatus {
        // In a remembered browser nothing is asked.
        let is_remembered = self.known.row.factor == Some(Method::Device);
        let without_push = if is_remembered { PushStatus::Approved } else { PushStatus::Unverified };
        self.push().map_or(without_push, |push| push.status_at(self.now))
    }

    /// Whether a number has to be given, and whether it is judged now.
    fn number(&self) -> (bool, bool) {
        let due = self.push().and_then(|push| push.number_is_due(self.now));
        let is_pending = self.status() == PushStatus::Pending;
        (due.is_some() && is_pending, due == Some(true))
    }

    /// Differs whenever the answer says something else, apart from the time that is left; the same at every
    /// server.
    #[must_use]
    pub fn version(&self) -> String {
        let mut version = String::with_capacity(self.known.digest.len() + 1);
        version.push_str(&self.known.digest);
        version.push(char::from(b'0' + self.status() as u8));
        version
    }

    pub(super) fn progress(&self) -> Progress {
        self.known.row.progress()
    }

    pub(super) fn push_view(&self) -> PushView {
        PushView {
            status: self.status(),
            reference: self.push().and_then(|push| push.reference.clone()),
            expires_in: self.push().map_or(Duration::ZERO, |push| push.expires_at.since(self.now)),
        }
    }

    /// When time alone changes the status: the request expires, or the session.
    pub(super) fn changes_at(&self, lifetimes: Lifetimes) -> Timestamp {
        let session = self.known.row.ends_at(lifetimes);
        let open = self.push().filter(|_| self.status() == PushStatus::Pending);
        open.map_or(session, |push| {
            let (_, is_due) = self.number();
            let ends_at = if is_due { push.number_until() } else { push.expires_at };
            ends_at.min(session)
        })
    }
}

impl<'a> ShownRequest<'a> {
    fn at(now: Timestamp, texts: &'a RequestTexts, push: &Push) -> Self {
        Self {
            uuid: &texts.uuid,
            message: &texts.message,
            details: &texts.details,
            expires_at: &texts.expires_at,
            expires_in_ms: milliseconds(push.expires_at.since(now)),
            lifetime_ms: milliseconds(push.expires_at.since(push.created_at)),
        }
    }
}

impl Serialize for SessionStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (known, status) = (&self.known, self.status());
        let age = self.push().map_or(Duration::ZERO, |push| self.now.since(push.created_at));
        let (needs_number, number_due) = self.number();
        let answer = Answer {
            status,
            poll_after_ms: poll_after_ms(status, age),
            phone: &known.phone,
            ways: &known.ways,
            last_channel: known.row.last_method.map(Into::into),
            version: &self.version(),
            needs_number,
            number_due,
            approval_request: known
                .request
                .as_ref()
                .zip(self.push())
                .map(|(texts, push)| ShownRequest::at(self.now, texts, push)),
        };
        answer.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use shared::{StatusAnswer, phone::PhoneNumber};

    use super::*;
    use crate::{
        domain::{
            approval::ApprovalState,
            ids::SessionId,
            phone::Phone,
            session::{Origin, State},
        },
        store::status::Push,
    };

    #[test]
    fn it_is_a_status_answer_on_the_wire() {
        let push = Push {
            reference: Some("a-reference".to_owned()),
            message: "Sign in \u{201c}here\u{201d}?".to_owned(),
            details: r#"{"Browser":"Firefox \"on\" Linux"}"#.to_owned(),
            status: ApprovalState::Pending,
            created_at: Timestamp(1_000),
            expires_at: Timestamp(121_000),
            number: Some(7),
            settled_at: None,
            matched_at: None,
        };
        for (push, last_method) in [(Some(push), Some(Method::Push)), (None, None)] {
            let row = StatusRow {
                session: SessionId::from_text("s"),
                state: State::Pending,
                origin: Origin::Password,
                seen_at: Timestamp(0),
                expires_at: Timestamp(600_000),
                cookie_only: false,
                phone: Phone::new(PhoneNumber::from_e164("+447700900123").expect("a number")),
                last_method,
                is_phone_verified: true,
                enrolled_at: None,
                has_device: false,
                has_authenticator: false,
                has_recovery_code: true,
                uses_page: false,
                factor: None,
                factor_at: None,
                push,
            };
            let known = KnownStatus::of(row, &[Way::Push, Way::WhatsApp]);
            let status = SessionStatus { known: Arc::new(known), now: Timestamp(2_000) };
            let sent = serde_json::to_string(&status).expect("it is JSON");
            let read: StatusAnswer = serde_json::from_str(&sent).expect("a status answer");
            assert_eq!(serde_json::to_string(&read).expect("it is JSON"), sent);
            assert_eq!(read.approval_request.is_some(), last_method.is_some());
        }
    }
}
