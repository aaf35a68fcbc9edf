//! The text that confirms a verified phone, and its delivery.

use std::sync::Arc;

use shared::Delivery;

use super::{Context, Result, ServiceError, finish, sessions::UserSession};
use crate::{
    domain::{
        ids::{MessageId, UserId},
        phone::Phone,
    },
    provider::Messages,
    store::{
        messages::{self, Report},
        users::UserRow,
    },
};

/// Before the provider has reported anything.
const HANDED_OVER: &str = "sending";

/// The provider's statuses in their order: none is followed by one of the same step or an earlier
/// one, in whatever order the reports arrive.
const STEPS: [&[&str]; 4] = [
    &["accepted", "scheduled", "queued", HANDED_OVER],
    &["sent"],
    &["delivered", "undelivered", "failed", "canceled"],
    &["read"],
];

/// Sends confirmations, where an account for texts is set.
#[derive(Debug, Clone)]
pub struct Confirmations {
    context: Arc<Context>,
    messages: Option<Arc<Messages>>,
    report_to: Option<String>,
}

/// A delivery report whose signature is right.
#[derive(Debug, Clone)]
pub struct DeliveryReport {
    /// Our own id of the text.
    pub id: String,
    /// The provider's.
    pub sid: String,
    /// The provider's status.
    pub status: String,
    /// The provider's error code.
    pub error_code: Option<i32>,
}

impl Confirmations {
    /// Sends by `messages`, if there is such an account; reports come to `report_to`, an address
    /// without a query, if the server has one that is known from outside.
    #[must_use]
    pub fn new(context: Arc<Context>, messages: Option<Arc<Messages>>, report_to: Option<String>) -> Self {
        Self { context, messages, report_to }
    }

    /// The key that signs delivery reports.
    #[must_use]
    pub fn report_key(&self) -> Option<&str> {
        self.messages.as_ref().map(|messages| messages.webhook_key())
    }

    /// Tells a phone that it was verified. Answers whether the text was sent; a failure changes
    /// nothing else.
    pub async fn confirm(&self, session: &UserSession) -> bool {
        let (confirmations, user) = (self.clone(), session.user.clone());
        finish(async move {
            confirmations.confirm_to_end(&user).await.unwrap_or_else(|error| {
                tracing::warn!(user.id = %user.id, %error, "the confirmation was not noted");
                false
            })
        })
        .await
    }

    /// Tells a phone that it is not the account's any more. It is told nothing where texts are not set; a failure changes
    /// nothing.
    pub(super) async fn tell_old_phone(&self, old: &Phone, url: &str) {
        let Some(provider) = &self.messages else { return };
        let words = format!(
            "{}: your account no longer uses this phone number. If this wasn't you, go to {url}",
            self.context.settings.app_name
        );
        if let Err(error) = provider.send(old.number(), &words, None).await {
            tracing::warn!(%error, "the phone before a change was not told");
        }
    }

    async fn confirm_to_end(&self, user: &UserRow) -> Result<bool> {
        let Some(provider) = &self.messages else { return Ok(false) };
        let context = &self.context;
        if context.settings.numbers.problem(user.phone.number()).is_some() {
            return Ok(false);
        }
        let (id, now, user_id) = (MessageId::new(context.random), context.now(), user.id.clone());
        let reserved = id.clone();
        context
            .store
            .write(move |db| {
                Ok::<_, ServiceError>(messages::insert(db, &reserved, &user_id, HANDED_OVER, now)?)
            })
            .await?;
        let report_to = self.report_to.as_ref().map(|url| format!("{url}?message={id}"));
        let words = format!(
            "{}: this phone number is verified. You'll use it when you sign in.",
            context.settings.app_name
        );
        match provider.send(user.phone.number(), &words, report_to.as_deref()).await {
            Ok(queued) => {
                context
                    .store
                    .write(move |db| {
                        messages::set_sid(db, &id, &queued.sid)?;
                        let report =
                            Report { id: &id, sid: &queued.sid, status: &queued.status, error_code: None };
                        // Unless a report was faster.
                        Ok::<_, ServiceError>(messages::advance(db, report, &[HANDED_OVER], now).map(drop)?)
                    })
                    .await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(user.id = %user.id, %error, "the confirmation was not sent");
                let now = context.now();
                context
                    .store
                    .write(move |db| {
                        let report = Report { id: &id, sid: "", status: "failed", error_code: None };
                        Ok::<_, ServiceError>(messages::advance(db, report, &[HANDED_OVER], now).map(drop)?)
                    })
                    .await?;
                Ok(false)
            }
        }
    }

    /// Delivery of the newest text to the session's user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest(&self, session: &UserSession) -> Result<Option<Delivery>> {
        let user: UserId = session.user.id.clone();
        let text = self.context.store.read(move |db| Ok::<_, ServiceError>(messages::newest(db, &user)?));
        Ok(text.await?.map(|text| Delivery {
            status: text.status,
            error_code: text.error_code,
            at: text.updated_at.to_rfc3339(),
        }))
    }

    /// Notes a delivery report. One that comes late, or is about an unknown text, changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accept_report(&self, report: DeliveryReport) -> Result<()> {
        let Some(step) = STEPS.iter().position(|step| step.contains(&report.status.as_str())) else {
            return Ok(());
        };
        let (earlier, now) = (STEPS[..step].concat(), self.context.now());
        self.context
            .store
            .write(move |db| {
                let id = MessageId::from_text(report.id);
                let report = Report {
                    id: &id,
                    sid: &report.sid,
                    status: &report.status,
                    error_code: report.error_code,
                };
                Ok::<_, ServiceError>(messages::advance(db, report, &earlier, now).map(drop)?)
            })
            .await
    }
}
