//! What has happened to an account, as its owner reads it.

use std::sync::Arc;

use shared::ActivityFilter;

use super::{Context, Result, ServiceError, sessions::UserSession};
use crate::{
    domain::{clock::Timestamp, event::Act, ids::EventId, refusal::Refusal},
    store::events::{self, Place, Wanted},
};

pub use crate::store::events::EventRow;

/// Events of a page.
const PAGE: i64 = 50;

/// Reads the activity of accounts.
#[derive(Debug, Clone)]
pub struct ActivityReader {
    context: Arc<Context>,
}

/// A page of events.
#[derive(Debug, Clone)]
pub struct ActivityPage {
    /// The newest first.
    pub events: Vec<EventRow>,
    /// Where older ones begin.
    pub next: Option<String>,
    /// For how many days events are kept.
    pub days: u32,
}

impl ActivityReader {
    /// Uses the context's database.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// A page of the user's events: the newest, or those before a place that an earlier page has named.
    ///
    /// # Errors
    /// [`Refusal::InvalidFields`] for a place that no page has named.
    pub async fn page(
        &self,
        session: &UserSession,
        before: &str,
        filter: ActivityFilter,
    ) -> Result<ActivityPage> {
        let before = match before.trim() {
            "" => None,
            place => Some(read_place(place).ok_or_else(|| {
                let problem = "Use the value of \"next\" in an earlier answer.".to_owned();
                ServiceError::from(Refusal::InvalidFields([("before", problem)].into()))
            })?),
        };
        self.context.store_events().await?;
        let user = session.user.id.clone();
        let read = self.context.store.read(move |db| {
            let (only, without): (Option<&[Act]>, &[Act]) = match filter {
                ActivityFilter::All => (None, &[]),
                ActivityFilter::SignIns => (Some(&Act::SIGN_INS), &[]),
                ActivityFilter::Changes => (None, &Act::SIGN_INS),
            };
            let wanted = Wanted { user: &user, before: before.as_ref(), most: PAGE + 1, only, without };
            Ok::<_, ServiceError>(events::of_user(db, wanted)?)
        });
        let mut events = read.await?;
        let has_more = events.len() > PAGE as usize;
        events.truncate(PAGE as usize);
        let next = events.last().filter(|_| has_more).map(|last| format!("{}.{}", last.at.0, last.id));
        Ok(ActivityPage { events, next, days: self.context.settings.events_days })
    }
}

fn read_place(text: &str) -> Option<Place> {
    let (at, id) = text.split_once('.')?;
    Some((Timestamp(at.parse().ok()?), EventId::sent(id)?))
}
