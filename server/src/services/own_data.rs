//! What is stored about a person: all of it as JSON, and removing it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Context, Result, ServiceError, accounts::Accounts, sessions::UserSession};
use crate::{
    domain::{
        client::Client,
        clock::Timestamp,
        event::{Act, Event, Outcome},
        factor::Method,
        ids::UserId,
        notice::Notice,
        refusal::Refusal,
    },
    store::{
        Db, events, factors, own_sessions, recovery_codes, remembered_devices, sessions,
        users::{self, UserRow},
    },
};

/// The most events of an export: far more than anybody has in the time they are kept.
const MOST_EVENTS: i64 = 100_000;

/// Exports and deletes accounts.
#[derive(Debug, Clone)]
pub struct OwnData {
    context: Arc<Context>,
    accounts: Accounts,
}

impl OwnData {
    /// Checks passwords by `accounts`.
    #[must_use]
    pub fn new(context: Arc<Context>, accounts: Accounts) -> Self {
        Self { context, accounts }
    }

    /// Everything that is stored about the user of a session, but for secrets.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`].
    pub async fn export(&self, session: &UserSession, client: &Client) -> Result<Value> {
        let context = &self.context;
        context.require_step_up(session)?;
        context.record(
            Event::new(Act::ActivityExported, Outcome::Success).user(&session.user.id).client(client),
        );
        context.store_events().await?;
        let (id, now, lifetimes) = (session.user.id.clone(), context.now(), context.lifetimes());
        context
            .store
            .read(move |db| {
                let user = users::by_id(db, &id)?.ok_or(ServiceError::from(Refusal::NotSignedIn))?;
                let wanted =
                    events::Wanted { user: &id, before: None, most: MOST_EVENTS, only: None, without: &[] };
                let all = Stored {
                    factors: factors::of_user(db, &id)?,
                    codes: recovery_codes::left(db, &id)?,
                    sessions: own_sessions::signed_in(db, &id, now, lifetimes)?,
                    devices: remembered_devices::of_user(db, &id, now)?,
                    events: events::of_user(db, wanted)?,
                };
                Ok(all.to_json(&user, now))
            })
            .await
    }

    /// Deletes the account of a session and everything that is stored about it. Of what has happened kinds and times
    /// alone remain.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`], [`Refusal::WrongPassword`], [`Refusal::TooMany`], [`Refusal::Busy`].
    pub async fn delete(&self, session: &UserSession, password: String, client: &Client) -> Result<()> {
        let context = Arc::clone(&self.context);
        context.require_step_up(session)?;
        self.accounts.check_own_password(session, password, client).await?;
        let (id, now) = (session.user.id.clone(), context.now());
        // Those that wait name the account still.
        context.store_events().await?;
        let deleting = Arc::clone(&context);
        context.store.write(move |db| deleting.delete_account(db, &id, now)).await?;
        context.record(Event::new(Act::AccountDeleted, Outcome::Success).user(&session.user.id));
        Ok(())
    }
}

impl Context {
    /// Removes an account and what belongs to it.
    pub(super) fn delete_account(&self, db: &mut Db, id: &UserId, now: Timestamp) -> Result<()> {
        let Some(user) = users::by_id(db, id)? else { return Ok(()) };
        self.notify(db, &user, Notice::AccountDeleted, None, now)?;
        // In the order in which an answer of the phone locks its rows: sessions' rows, then the user.
        sessions::delete_of_user(db, id)?;
        events::forget_user(db, id)?;
        factors::remove_all(db, id, now)?;
        users::delete(db, id)?;
        Ok(())
    }
}

/// What is stored about a user.
struct Stored {
    factors: Vec<factors::FactorRow>,
    codes: Option<(u32, Timestamp)>,
    sessions: Vec<own_sessions::SignedInSession>,
    devices: Vec<remembered_devices::RememberedRow>,
    events: Vec<events::EventRow>,
}

impl Stored {
    fn to_json(&self, user: &UserRow, now: Timestamp) -> Value {
        let time = |at: Option<Timestamp>| at.map(Timestamp::to_rfc3339);
        json!({
            "exportedAt": now.to_rfc3339(),
            "account": {
                "id": user.id.as_str(),
                "fullName": user.full_name,
                "username": user.username,
                "email": user.email,
                "emailVerifiedAt": time(user.email_verified_at),
                "phone": user.phone.e164(),
                "phoneVerifiedAt": time(user.phone_verified_at),
                "createdAt": user.created_at.to_rfc3339(),
                "passwordChangedAt": time(user.password_changed_at),
            },
            "factors": self.factors.iter().map(super::factors::view).collect::<Vec<_>>(),
            "recoveryCodes": self.codes.map(|(left, made_at)| {
                json!({"left": left, "createdAt": made_at.to_rfc3339()})
            }),
            "sessions": self.sessions.iter().map(|session| json!({
                "browser": session.browser, "address": session.address,
                "factor": session.factor.map(Method::wire_name),
                "createdAt": session.created_at.to_rfc3339(), "seenAt": session.seen_at.to_rfc3339(),
            })).collect::<Vec<_>>(),
            "rememberedDevices": self.devices.iter().map(|device| json!({
                "browser": device.browser, "address": device.address,
                "createdAt": device.created_at.to_rfc3339(), "seenAt": device.seen_at.to_rfc3339(),
                "expiresAt": device.expires_at.to_rfc3339(),
            })).collect::<Vec<_>>(),
            "events": self.events.iter().map(|event| json!({
                "at": event.at.to_rfc3339(), "kind": event.act.as_str(), "outcome": event.outcome.as_str(),
                "factor": event.factor.map(Method::wire_name),
                "browser": event.browser, "address": event.address,
            })).collect::<Vec<_>>(),
        })
    }
}
