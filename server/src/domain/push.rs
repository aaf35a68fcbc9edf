//! Approval requests: what the phone is asked, and how an answer stands.

use std::{collections::BTreeMap, time::Duration};

use shared::{Logo, PushStatus};

use super::clock::Timestamp;

/// Life of a push that asks for a sign-in.
pub const LOGIN_LIFE: Duration = Duration::from_secs(120);
/// First time the provider is asked how a push stands, after it went out.
pub const FIRST_ASK: Duration = Duration::from_secs(3);
/// Between two such questions, at least.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// So many questions at most; enough for the whole life of a login push.
pub const MOST_ASKS: i32 = 24;

/// What an approval opens.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Purpose {
    /// The session that asked.
    SignIn,
    /// One use of the data that was asked about.
    Action,
}

/// State of an approval request, as stored.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum ApprovalState {
    /// Being handed to the provider; nobody has seen it yet.
    Asking,
    /// On the phone.
    Pending,
    /// Approved in time.
    Approved,
    /// Denied.
    Denied,
    /// Never reached the phone.
    Failed,
}

impl ApprovalState {
    /// What a client is told at a moment: what is open past its end has expired.
    #[must_use]
    pub fn seen_at(self, now: Timestamp, expires_at: Timestamp) -> PushStatus {
        match self {
            Self::Asking | Self::Pending if now < expires_at => PushStatus::Pending,
            Self::Asking | Self::Pending => PushStatus::Expired,
            Self::Approved => PushStatus::Approved,
            Self::Denied => PushStatus::Denied,
            Self::Failed => PushStatus::Unverified,
        }
    }
}

/// Between two questions about a request of this life: so long that they last until its end.
#[must_use]
pub fn ask_every(life: Duration) -> Duration {
    ASK_EVERY.max(life / MOST_ASKS.unsigned_abs())
}

/// What a thumb can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Approved,
    /// No.
    Denied,
}

/// What the phone shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The question itself.
    pub message: String,
    /// Label and value. Labels keep within what every known verifier of the webhook's signature
    /// agrees on: one case, no label the beginning of another, none of digits alone.
    pub details: BTreeMap<String, String>,
    /// The same, kept with the request and not shown.
    pub hidden_details: BTreeMap<String, String>,
    /// Pictures beside it.
    pub logos: Vec<Logo>,
}

/// Who asks to be signed in, from the server's own knowledge.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// E-mail of the account.
    pub account: &'a str,
    /// Username of the account, or its e-mail where it has none.
    pub username: &'a str,
    /// The user's id at the provider.
    pub provider_user: &'a str,
    /// Browser or program, in words.
    pub browser: &'a str,
    /// Network address.
    pub address: &'a str,
}

impl Question {
    /// Asks whether somebody may sign in. `number` is shown on the page too, for comparing.
    #[must_use]
    pub fn sign_in(asker: Asker<'_>, at: Timestamp, number: u32) -> Self {
        let details = [
            ("Account", asker.account.to_owned()),
            ("Browser", asker.browser.to_owned()),
            ("Address", asker.address.to_owned()),
            ("Time", at.time_of_day()),
            ("Number", format!("{number:02}")),
        ];
        Self::may_i_come_in(details)
    }

    /// The same in the words clients of the cookie API know.
    #[must_use]
    pub fn sign_in_by_username(asker: Asker<'_>) -> Self {
        Self::may_i_come_in([
            ("Authy ID", asker.provider_user.to_owned()),
            ("Username", asker.username.to_owned()),
            ("Location", asker.address.to_owned()),
            ("Reason", format!("Sign in with {}", asker.browser)),
        ])
    }

    fn may_i_come_in<const N: usize>(details: [(&str, String); N]) -> Self {
        Self {
            message: "Sign in to Countersign?".to_owned(),
            details: details.map(|(label, value)| (label.to_owned(), value)).into(),
            hidden_details: BTreeMap::new(),
            logos: Vec::new(),
        }
    }
}

/// When to poll again: soon while somebody has the phone in hand, later after that.
#[must_use]
pub fn poll_after_ms(status: PushStatus, age: Duration) -> u32 {
    match status {
        PushStatus::Pending if age < Duration::from_secs(30) => 1000,
        PushStatus::Pending => 2000,
        PushStatus::Unverified | PushStatus::Approved | PushStatus::Denied | PushStatus::Expired => 5000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_questions_about_a_request_last_to_its_end_and_a_login_keeps_its_pace() {
        assert_eq!(ask_every(LOGIN_LIFE), Duration::from_secs(5));
        for seconds in [10, 120, 121, 300, 600] {
            let life = Duration::from_secs(seconds);
            assert!(FIRST_ASK + ask_every(life) * MOST_ASKS.unsigned_abs() >= life, "{seconds}");
        }
    }
}
