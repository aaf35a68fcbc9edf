//! Approval requests: what the phone shows, how a request stands, and when the provider is polled.

use std::{collections::BTreeMap, time::Duration};

use shared::{Logo, PushStatus};

use super::clock::Timestamp;

/// Lifetime of a request that asks for a sign-in.
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(120);
/// After an approval, the number that the phone shows can be given for so long.
pub const NUMBER_LIFETIME: Duration = Duration::from_secs(60);
/// The wrong number that denies a request.
pub const WRONG_NUMBERS: i32 = 3;
/// When the provider is first polled for an answer, after the request was sent.
pub const FIRST_POLL: Duration = Duration::from_secs(3);
/// Between two polls, at least.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// Polls per request, at most; enough for the whole lifetime of a login request.
pub const MOST_POLLS: i32 = 24;

/// What an approval is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum ApprovalPurpose {
    /// It signs in the session that asked.
    SignIn,
    /// It allows one use of the data that was approved.
    Action,
}

/// State of an approval request, as stored.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum ApprovalState {
    /// Reserved; the provider has not accepted it yet.
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
    /// What a client is told: an open request past its end has expired.
    #[must_use]
    pub fn status_at(self, now: Timestamp, expires_at: Timestamp) -> PushStatus {
        match self {
            Self::Asking | Self::Pending if now < expires_at => PushStatus::Pending,
            Self::Asking | Self::Pending => PushStatus::Expired,
            Self::Approved => PushStatus::Approved,
            Self::Denied => PushStatus::Denied,
            Self::Failed => PushStatus::Unverified,
        }
    }
}

/// Between two polls of a request with this lifetime: long enough that the polls last to its end.
#[must_use]
pub fn poll_interval(lifetime: Duration) -> Duration {
    POLL_INTERVAL.max(lifetime / MOST_POLLS.unsigned_abs())
}

/// What the person did on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Approved the request.
    Approved,
    /// Denied the request.
    Denied,
}

/// What the phone shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContent {
    /// The message.
    pub message: String,
    /// Label and value. Labels keep within what every known verifier of the webhook's signature
    /// agrees on: one letter case, no label the beginning of another, none of digits alone.
    pub details: BTreeMap<String, String>,
    /// The same, kept with the request and not shown.
    pub hidden_details: BTreeMap<String, String>,
    /// Pictures beside it.
    pub logos: Vec<Logo>,
    /// The number that the phone shows and the page is not told.
    pub number_asked: Option<u32>,
}

/// What is told about a sign-in, from the server's own knowledge.
#[derive(Debug, Clone)]
pub struct SignInDetails<'a> {
    /// E-mail of the account.
    pub account: &'a str,
    /// Username of the account, or its e-mail where it has none.
    pub username: &'a str,
    /// Browser or program, in words.
    pub browser: &'a str,
    /// The application's name.
    pub app_name: &'a str,
    /// Network address.
    pub address: String,
    /// Whether the account's phone is verified.
    pub phone_verified: bool,
    /// Whether it confirms a change of a signed-in session.
    pub is_step_up: bool,
}

/// The detail with a number to compare, and the one with a number to give on the page.
const NUMBER_LABEL: &str = "Number";
const NUMBER_ASKED_LABEL: &str = "Enter in browser";
/// The detail by which clients of the cookie API know the provider's id of the user.
pub const PROVIDER_USER_LABEL: &str = "Authy ID";

impl RequestContent {
    /// Asks whether somebody may sign in.
    #[must_use]
    pub fn sign_in(details: &SignInDetails<'_>, at: Timestamp) -> Self {
        let shown = [
            ("Account", details.account.to_owned()),
            ("Browser", details.browser.to_owned()),
            ("Address", details.address.clone()),
            ("Time", at.time_of_day()),
        ];
        Self::login_request(details, shown)
    }

    /// The same with a number that is shown on the page too, for comparing.
    #[must_use]
    pub fn with_number_to_compare(mut self, number: u32) -> Self {
        self.details.insert(NUMBER_LABEL.to_owned(), format!("{number:02}"));
        self
    }

    /// The same with a number that the phone alone shows, to be given on the page.
    #[must_use]
    pub fn asking_for_number(mut self, number: u32) -> Self {
        self.details.insert(NUMBER_ASKED_LABEL.to_owned(), format!("{number:02}"));
        self.number_asked = Some(number);
        self
    }

    /// The details a page may show: the phone alone shows a number that is asked for.
    #[must_use]
    pub fn details_for_page(&self) -> BTreeMap<&str, &str> {
        let details = self.details.iter().map(|(label, value)| (label.as_str(), value.as_str()));
        details.filter(|(label, _)| *label != NUMBER_ASKED_LABEL).collect()
    }

    /// The same with the details clients of the cookie API know.
    #[must_use]
    pub fn sign_in_by_username(details: &SignInDetails<'_>, provider_user: &str) -> Self {
        Self::login_request(
            details,
            [
                (PROVIDER_USER_LABEL, provider_user.to_owned()),
                ("Username", details.username.to_owned()),
                ("Location", details.address.clone()),
                ("Reason", format!("Sign in with {}", details.browser)),
            ],
        )
    }

    fn login_request<const N: usize>(about: &SignInDetails<'_>, details: [(&str, String); N]) -> Self {
        // Anyone may sign up with any number: the owner of the phone must not take it for a sign-in
        // to an account of their own.
        let app = about.app_name;
        let message = if !about.phone_verified {
            format!("Verify this phone for a new {app} account?")
        } else if about.is_step_up {
            format!("Allow a change to your {app} security settings?")
        } else {
            format!("Sign in to {app}?")
        };
        Self {
            message,
            details: details.map(|(label, value)| (label.to_owned(), value)).into(),
            hidden_details: BTreeMap::new(),
            logos: Vec::new(),
            number_asked: None,
        }
    }
}

/// When a client should poll again: soon while somebody has the phone in hand, later after that.
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
    fn the_polls_of_a_request_last_to_its_end_and_a_login_keeps_its_pace() {
        assert_eq!(poll_interval(LOGIN_LIFETIME), Duration::from_secs(5));
        for seconds in [10, 120, 121, 300, 600] {
            let lifetime = Duration::from_secs(seconds);
            assert!(
                FIRST_POLL + poll_interval(lifetime) * MOST_POLLS.unsigned_abs() >= lifetime,
                "{seconds}"
            );
        }
    }
}
