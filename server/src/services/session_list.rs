//! A user's own sessions: listing them, and ending others.

use super::{
    Result, ServiceError,
    sessions::{Sessions, UserSession},
};
use crate::{
    domain::{
        client::Client,
        event::{Act, Event, Outcome},
        ids::SessionId,
        refusal::Refusal,
    },
    store::own_sessions::{self, SignedInSession},
};

/// A session as its owner sees it.
#[derive(Debug, Clone)]
pub struct OwnSession {
    /// The session.
    pub session: SignedInSession,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

impl Sessions {
    /// The user's signed-in sessions: this one first, then the newest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, session: &UserSession) -> Result<Vec<OwnSession>> {
        let (user, current) = (session.user.id.clone(), &session.session.id);
        let (now, lifetimes) = (self.context.now(), self.context.lifetimes());
        let found = self
            .context
            .store
            .read(move |db| Ok::<_, ServiceError>(own_sessions::signed_in(db, &user, now, lifetimes)?));
        let own = |session: SignedInSession| OwnSession { is_current: session.id == *current, session };
        let mut list: Vec<OwnSession> = found.await?.into_iter().map(own).collect();
        list.sort_by_key(|own| !own.is_current);
        Ok(list)
    }

    /// Ends one of the user's sessions, also this one.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also for another user's.
    pub async fn end_own(&self, session: &UserSession, id: &str, client: &Client) -> Result<()> {
        let id = SessionId::sent(id).ok_or(ServiceError::from(Refusal::NotFound))?;
        let user = session.user.id.clone();
        let ended = self
            .context
            .store
            .write(move |db| Ok::<_, ServiceError>(own_sessions::delete_own(db, &user, &id)?));
        if !ended.await? {
            return Err(Refusal::NotFound.into());
        }
        let event = Event::new(Act::SessionEnded, Outcome::Success).user(&session.user.id);
        self.context.record(event.client(client));
        Ok(())
    }

    /// Ends all other sessions of the user, pending ones as well; answers how many were signed in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_others(&self, session: &UserSession, client: &Client) -> Result<usize> {
        let (user, kept) = (session.user.id.clone(), session.session.id.clone());
        let ended = self
            .context
            .store
            .write(move |db| Ok::<_, ServiceError>(own_sessions::delete_others(db, &user, &kept)?))
            .await?;
        if ended > 0 {
            let event = Event::new(Act::SessionEnded, Outcome::Success).user(&session.user.id);
            self.context.record(event.client(client));
        }
        Ok(ended)
    }
}
