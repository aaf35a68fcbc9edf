//! Codes: sending one, checking one.

use shared::{Channel, CodeSent, Via};

use super::{Failure, second_factor::SecondFactor};
use crate::{
    domain::{
        clock::Timestamp,
        ids::Token,
        limits::HOUR,
        refusal::{Counted, Refusal},
        rights::Carrier,
        rights::TokenRotation,
    },
    provider::{Checked, Code, ProviderError, ProviderUser, Reference},
    store::{
        attempts,
        codes::{self, Outcome, Owner},
        sessions,
        users::{self, UserRow},
    },
};

/// A code was right.
#[derive(Debug)]
pub struct Verified {
    /// The session's new token, where the carrier changes it.
    pub token: Option<Token>,
    /// Whether the phone has answered for the first time.
    pub first: bool,
}

impl SecondFactor {
    /// Sends a code, always: that the person has an app is no reason not to. It travels by call where
    /// a text cannot reach the phone.
    ///
    /// # Errors
    /// [`Refusal::TooMany`], or what kept the provider from it; then nothing was counted.
    pub async fn send(&self, user: &UserRow, session_id: &str, via: Via) -> Result<CodeSent, Failure> {
        let (id, counts) = self.reserve_send(user, session_id, via).await?;
        match self.send_or_move_on(user, via).await {
            Ok((sent_via, Reference(reference))) => {
                self.store
                    .write(move |db| codes::sent(db, &id, &reference, sent_via).map_err(Failure::from))
                    .await?;
                let phone = user.masked_phone();
                let message = match sent_via {
                    Via::Sms => format!("A code was texted to {phone}."),
                    Via::Call if via == Via::Call => format!("A call with a code goes to {phone}."),
                    Via::Call => format!("A text cannot reach {phone}. A call with a code goes there."),
                };
                let resend_after_seconds =
                    u32::try_from(self.limits.resend_after.as_secs()).unwrap_or(u32::MAX);
                Ok(CodeSent { message, via: sent_via, phone, resend_after_seconds })
            }
            Err(failure) => {
                self.store
                    .write(move |db| {
                        codes::cancel_send(db, &id)?;
                        counts.iter().try_for_each(|id| attempts::take_back(db, id)).map_err(Failure::from)
                    })
                    .await?;
                Err(failure)
            }
        }
    }

    /// Where the provider refuses texts, the person is called: nobody is left without a way on.
    async fn send_or_move_on(&self, user: &UserRow, via: Via) -> Result<(Via, Reference), Failure> {
        let send =
            async |via| self.for_user(user, async |enrolled| self.provider.send(enrolled, via).await).await;
        match send(via).await {
            Err(Failure::Provider(ProviderError::ChannelRefused | ProviderError::BadPhone))
                if via == Via::Sms =>
            {
                send(Via::Call).await.map(|reference| (Via::Call, reference))
            }
            other => other.map(|reference| (via, reference)),
        }
    }

    /// Answers the send's id, and those of what was counted beside it.
    async fn reserve_send(
        &self,
        user: &UserRow,
        session_id: &str,
        via: Via,
    ) -> Result<(String, Vec<String>), Failure> {
        let (id, now, limits) = (self.random.id(), self.clock.now(), self.limits);
        // A phone that has never answered may be anybody's: whoever makes accounts with it must not
        // be able to flood it. One that has answered is its owner's to use.
        let counts = match user.phone_proven_at {
            None => self.number_counts(&format!("+{}{}", user.calling_code, user.national_number)),
            Some(_) => Vec::new(),
        };
        let (user_id, session_id) = (user.id.clone(), session_id.to_owned());
        self.store
            .write(move |db| {
                crate::store::lock(db, &user_id)?;
                let too_many = |what, free: Timestamp| Refusal::TooMany { what, wait: free.since(now) };
                if let Some(last) = codes::last_send(db, &session_id)? {
                    let free = last.plus(limits.resend_after);
                    if free > now {
                        return Err(too_many(Counted::Resends, free).into());
                    }
                }
                let sends = codes::sends_since(db, &user_id, now.minus(HOUR))?;
                let most = limits.sends_per_hour as usize;
                if sends.len() >= most {
                    let free = sends[sends.len() - most].plus(HOUR);
                    return Err(too_many(Counted::Sends, free).into());
                }
                let owner = Owner { user_id: &user_id, session_id: &session_id };
                codes::reserve_send(db, &id, owner, via, now)?;
                Ok((id, super::verification::count(db, counts, now)?))
            })
            .await
    }

    /// Checks a code: by text, by call or from the app alike. When it is right, the session has its
    /// second factor.
    ///
    /// # Errors
    /// [`Refusal::WrongCode`], [`Refusal::TooMany`], or that the provider could not say.
    pub async fn verify(
        &self,
        user: &UserRow,
        session_id: &str,
        code: &Code,
        (presented, carrier, rotation): (&Token, Carrier, TokenRotation),
    ) -> Result<Verified, Failure> {
        let (check_id, left) = self.reserve_check(user, session_id).await?;
        let sent = {
            let session_id = session_id.to_owned();
            self.store.read(move |db| codes::last_sent(db, &session_id).map_err(Failure::from)).await?
        };
        let checked = self
            .for_user(user, async |enrolled: &ProviderUser| {
                // A reference of an earlier enrolment would name somebody the provider has forgotten.
                let reference = match &sent {
                    Some((reference, _)) if enrolled.0 == user.provider_user => Reference(reference.clone()),
                    _ => self.provider.standing_reference(enrolled),
                };
                self.provider.check(&reference, code).await
            })
            .await;
        let by = match (&checked, sent) {
            (Ok(Checked::Sent), Some((_, via))) => via.into(),
            _ => Channel::SoftToken,
        };
        let (now, lifetimes) = (self.clock.now(), self.lifetimes);
        let most = i32::try_from(self.limits.wrong_codes).unwrap_or(i32::MAX);
        let (user_id, session_id) = (user.id.clone(), session_id.to_owned());
        match checked {
            Ok(Checked::Sent | Checked::Shown) => {
                let token = rotation.changes(carrier).then(|| Token::new(self.random));
                let (renewed, presented) = (token.clone(), presented.hash());
                self.store
                    .write(move |db| {
                        codes::finish_check(db, &check_id, Outcome::Right)?;
                        let first = users::phone_answered(db, &user_id, by, now)?;
                        sessions::prove(db, &session_id, now, now.plus(lifetimes.absolute))?;
                        let lives = match renewed {
                            Some(token) => sessions::renew(db, &session_id, &presented, &token.hash())?,
                            None => sessions::exists(db, &session_id)?,
                        };
                        // Otherwise it was ended while the provider was asked.
                        if lives {
                            Ok(Verified { token, first })
                        } else {
                            Err(Failure::from(Refusal::NoSession))
                        }
                    })
                    .await
            }
            Ok(Checked::Wrong) => {
                self.store
                    .write(move |db| {
                        codes::finish_check(db, &check_id, Outcome::Wrong).map_err(Failure::from)
                    })
                    .await?;
                Err(Refusal::WrongCode { left }.into())
            }
            Err(failure) => {
                self.store
                    .write(move |db| {
                        codes::finish_check(db, &check_id, Outcome::Failed)?;
                        crate::store::lock(db, &user_id)?;
                        let (count, locked_until) = users::wrong_codes(db, &user_id)?;
                        let count = (count - 1).max(0);
                        // Others may have been counted meanwhile; what they locked stays locked.
                        let locked_until = locked_until.filter(|_| count >= most);
                        users::set_wrong_codes(db, &user_id, count, locked_until).map_err(Failure::from)
                    })
                    .await?;
                Err(failure)
            }
        }
    }

    /// Counts a code as wrong before it is checked, so that guesses in parallel count as well.
    /// Answers the check's id and how many tries are left after it.
    async fn reserve_check(&self, user: &UserRow, session_id: &str) -> Result<(String, u32), Failure> {
        let (id, now, limits) = (self.random.id(), self.clock.now(), self.limits);
        let (user_id, session_id) = (user.id.clone(), session_id.to_owned());
        self.store
            .write(move |db| {
                crate::store::lock(db, &user_id)?;
                let most = i32::try_from(limits.wrong_codes).unwrap_or(i32::MAX);
                let count = match users::wrong_codes(db, &user_id)? {
                    (_, Some(until)) if until > now => {
                        let wait = until.since(now);
                        return Err(Failure::from(Refusal::TooMany { what: Counted::Codes, wait }));
                    }
                    // The lock is over: count anew.
                    (_, Some(_)) => 1,
                    (count, None) => count.saturating_add(1),
                };
                let locked_until = (count >= most).then(|| now.plus(limits.lock));
                users::set_wrong_codes(db, &user_id, count, locked_until)?;
                codes::insert_check(db, &id, Owner { user_id: &user_id, session_id: &session_id }, now)?;
                Ok((id, u32::try_from(most - count).unwrap_or_default()))
            })
            .await
    }
}
