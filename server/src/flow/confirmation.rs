//! The text that confirms a phone, and what becomes of it.

use std::sync::Arc;

use shared::phone::PhoneNumber;

use super::{Failure, second_factor::SecondFactor};
use crate::{
    provider::{Messages, ProviderError},
    store::{messages, users::UserRow},
};

const WORDS: &str = "This phone is now the second half of your Countersign account.";
/// Before the provider has said anything.
const HANDED_OVER: &str = "sending";

/// A text's way through the provider's words: none is followed by one of the same step or an
/// earlier one, in whatever order the reports arrive.
const STEPS: [&[&str]; 4] = [
    &["accepted", "scheduled", "queued", HANDED_OVER],
    &["sent"],
    &["delivered", "undelivered", "failed", "canceled"],
    &["read"],
];

/// Sends confirmations, where an account for texts is set.
#[derive(Debug, Clone)]
pub struct Confirmation {
    /// Database, clock, randomness.
    pub second_factor: SecondFactor,
    /// Who sends texts.
    pub messages: Option<Arc<Messages>>,
    /// Where reports on them come, without a query; `None` where no address is known from outside.
    pub report_to: Option<String>,
}

/// What a report says whose signature was right.
#[derive(Debug, Clone)]
pub struct Report {
    /// Our own name for the text.
    pub id: String,
    /// The provider's.
    pub sid: String,
    /// How it stands.
    pub status: String,
    /// Why it did not arrive.
    pub error_code: Option<i32>,
}

impl Confirmation {
    /// Tells a phone that it was proven. Whether that text is on its way is all there is to know:
    /// its failure changes nothing else.
    ///
    /// # Errors
    /// When the database could not.
    pub async fn confirm(&self, user: &UserRow) -> Result<bool, Failure> {
        let Some(provider) = &self.messages else { return Ok(false) };
        let parts = &self.second_factor;
        let (id, now, user_id) = (parts.random.id(), parts.clock.now(), user.id.clone());
        let reserved = id.clone();
        parts
            .store
            .write(move |db| {
                messages::insert(db, &reserved, &user_id, HANDED_OVER, now).map_err(Failure::from)
            })
            .await?;
        let sent = async {
            let phone = PhoneNumber::read(&user.calling_code, &user.national_number)
                .map_err(|_| ProviderError::BadPhone)?;
            let report_to = self.report_to.as_ref().map(|url| format!("{url}?message={id}"));
            provider.send(&phone, WORDS, report_to.as_deref()).await
        };
        match sent.await {
            Ok(queued) => {
                parts
                    .store
                    .write(move |db| {
                        messages::set_sid(db, &id, &queued.sid)?;
                        // Unless a report was faster.
                        let said = (queued.status.as_str(), None);
                        messages::advance(db, (&id, &queued.sid), &[HANDED_OVER], said, now)
                            .map(drop)
                            .map_err(Failure::from)
                    })
                    .await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(user.id = %user.id, %error, "the confirmation was not sent");
                let now = parts.clock.now();
                parts
                    .store
                    .write(move |db| {
                        let failed = ("failed", None);
                        messages::advance(db, (&id, ""), &[HANDED_OVER], failed, now).map_err(Failure::from)
                    })
                    .await?;
                Ok(false)
            }
        }
    }

    /// Takes a report. One that comes late, or of a text nobody here sent, changes nothing.
    ///
    /// # Errors
    /// When the database could not.
    pub async fn take_report(&self, report: Report) -> Result<(), Failure> {
        let Some(step) = STEPS.iter().position(|step| step.contains(&report.status.as_str())) else {
            return Ok(());
        };
        let earlier = STEPS[..step].concat();
        let now = self.second_factor.clock.now();
        self.second_factor
            .store
            .write(move |db| {
                let said = (report.status.as_str(), report.error_code);
                messages::advance(db, (&report.id, &report.sid), &earlier, said, now)
                    .map(drop)
                    .map_err(Failure::from)
            })
            .await
    }
}
