//! Proving a phone without an account: a code to any number, bound to the browser session that
//! asked for it.

use shared::{Via, phone::PhoneNumber};
use std::time::Duration;

use super::{Failure, accounts::Client, second_factor::SecondFactor};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{Token, digest},
        limits::HOUR,
        refusal::{Counted, Refusal},
        rights::{Carrier, Rights},
    },
    provider::{Code, PhoneFacts, ProviderError},
    store::{
        Db,
        attempts::{self, Kind},
        sessions::{self, NewSession},
        visits::{self, Visit},
    },
};

/// Life of such a code at the provider.
pub const CODE_LIFE: Duration = Duration::from_secs(600);

/// One thing a send is counted for.
#[derive(Debug)]
pub(super) struct Count {
    id: String,
    subject: String,
    what: Counted,
    most: (u32, Duration),
}

/// Counts them all or refuses; answers their ids, so that they can be given back.
pub(super) fn count(db: &mut Db, mut counts: Vec<Count>, now: Timestamp) -> Result<Vec<String>, Failure> {
    // In one order, so that two sends never wait for each other.
    counts.sort_by(|one, other| one.subject.cmp(&other.subject));
    counts
        .into_iter()
        .map(|Count { id, subject, what, most }| {
            attempts::in_window(db, &id, (Kind::Verification, &subject), most, now)?
                .map_err(|wait| Refusal::TooMany { what, wait })?;
            Ok(id)
        })
        .collect()
}

/// A code is on its way.
#[derive(Debug)]
pub struct Started {
    /// How, in the end.
    pub via: Via,
    /// What the provider knows of the phone.
    pub facts: PhoneFacts,
    /// The session that was made for it.
    pub token: Option<Token>,
}

impl SecondFactor {
    /// Sends a code to a phone. Where there is no session yet, one is made.
    ///
    /// # Errors
    /// [`Refusal::TooMany`], or what kept the provider from it; then nothing was counted.
    pub async fn start_verification(
        &self,
        visit: Option<Visit>,
        phone: &PhoneNumber,
        via: Via,
        client: &Client,
    ) -> Result<Started, Failure> {
        let session_id = visit.map(|visit| visit.id);
        let counted = self.count_verification(session_id.as_deref(), phone, client).await?;
        let sent = match self.provider.start_verification(phone, via).await {
            // The next way by itself: a landline hears what it cannot read.
            Err(ProviderError::ChannelRefused) if via == Via::Sms => {
                self.provider.start_verification(phone, Via::Call).await.map(|facts| (Via::Call, facts))
            }
            other => other.map(|facts| (via, facts)),
        };
        let (via, facts) = match sent {
            Ok(sent) => sent,
            Err(error) => {
                self.store
                    .write(move |db| {
                        counted.iter().try_for_each(|id| attempts::take_back(db, id)).map_err(Failure::from)
                    })
                    .await?;
                return Err(error.into());
            }
        };
        let (now, e164) = (self.clock.now(), phone.e164());
        let token = session_id.is_none().then(|| Token::new(self.random));
        let new = token.as_ref().map(|token| self.anonymous(token, now));
        let gap = (self.random.id(), self.limits.resend_after);
        self.store
            .write(move |db| {
                let id = match new {
                    Some(new) => {
                        sessions::insert(db, &new)?;
                        // This one counts for the session it made.
                        let subject = digest(&["session", &new.id]);
                        let once = (1, gap.1);
                        let _ = attempts::in_window(db, &gap.0, (Kind::Verification, &subject), once, now)?;
                        new.id
                    }
                    None => session_id.expect("there is a session where none was made"),
                };
                visits::begin(db, &id, &e164, now.plus(CODE_LIFE), now).map_err(Failure::from)
            })
            .await?;
        Ok(Started { via, facts, token })
    }

    fn anonymous(&self, token: &Token, now: Timestamp) -> NewSession {
        NewSession {
            id: self.random.id(),
            token_hash: token.hash(),
            user_id: None,
            rights: Rights::Anonymous,
            created_at: now,
            seen_at: now,
            expires_at: now.plus(self.lifetimes.idle),
        }
    }

    /// Counts a send for its session, its number, its neighbourhood of numbers and its address;
    /// answers the counts, so that they can be given back.
    async fn count_verification(
        &self,
        session_id: Option<&str>,
        phone: &PhoneNumber,
        client: &Client,
    ) -> Result<Vec<String>, Failure> {
        let (now, limits) = (self.clock.now(), self.limits);
        let mut counts = self.number_counts(&phone.e164());
        let mut add = |subject: String, what, most| {
            counts.push(Count { id: self.random.id(), subject, what, most });
        };
        if let Some(id) = session_id.filter(|_| !limits.resend_after.is_zero()) {
            add(digest(&["session", id]), Counted::Resends, (1, limits.resend_after));
        }
        if client.counted {
            let most = (limits.verifications_per_hour, HOUR);
            add(digest(&["address", &client.neighbourhood]), Counted::Verifications, most);
        }
        self.store.write(move |db| count(db, counts, now)).await
    }

    /// What a send to a number counts, whoever asks: for the number, and for its neighbours.
    pub(super) fn number_counts(&self, e164: &str) -> Vec<Count> {
        let count = |subject: String, most: u32| Count {
            id: self.random.id(),
            subject,
            what: Counted::Verifications,
            most: (most, HOUR),
        };
        // A hundred numbers side by side: nobody has that many, who pumps texts does.
        let prefix = &e164[..e164.len().saturating_sub(2)];
        vec![
            count(digest(&["number", e164]), self.limits.sends_per_hour),
            count(digest(&["prefix", prefix]), self.limits.verifications_per_hour),
        ]
    }

    /// Checks a code; then this session has proven that phone. A browser without an account gets a
    /// new token for that.
    ///
    /// # Errors
    /// [`Refusal::WrongCode`] (also where this session has asked for none, or it has expired),
    /// [`Refusal::TooMany`], or that the provider could not say.
    pub async fn check_verification(
        &self,
        visit: &Visit,
        phone: &PhoneNumber,
        code: &Code,
        (presented, carrier): (&Token, Carrier),
    ) -> Result<Option<Token>, Failure> {
        let (now, e164, limits) = (self.clock.now(), phone.e164(), self.limits);
        let asked = visit.verifying_phone.as_deref() == Some(e164.as_str())
            && visit.verifying_until.is_some_and(|until| until > now);
        if !asked {
            return Err(Refusal::WrongCode { left: u32::MAX }.into());
        }
        // Of this session alone: a stranger's guesses must not lock the owner of the number out. How
        // many sessions may guess is bounded by how many codes are sent to a number.
        let (attempt_id, subject) = (self.random.id(), digest(&["session", &visit.id, &e164]));
        let counted = subject.clone();
        let id = attempt_id.clone();
        self.store
            .write(move |db| {
                let most = (limits.wrong_codes, limits.lock);
                attempts::in_a_row(db, &id, (Kind::VerificationCode, &counted), most, now)?
                    .map_err(|wait| Refusal::TooMany { what: Counted::Codes, wait })?;
                Ok::<_, Failure>(())
            })
            .await?;
        match self.provider.check_verification(phone, code).await {
            Ok(true) => {
                let renews = visit.rights == Rights::Anonymous && carrier == Carrier::Cookie;
                let token = renews.then(|| Token::new(self.random));
                let (id, old) = (visit.id.clone(), presented.hash());
                let renewed = token.as_ref().map(Token::hash);
                self.store
                    .write(move |db| {
                        attempts::forget(db, (Kind::VerificationCode, &subject))?;
                        let lives = visits::prove(db, &id, &e164, now)?
                            && match renewed {
                                Some(new) => visits::renew(db, &id, &old, &new)?,
                                None => true,
                            };
                        if lives { Ok(()) } else { Err(Failure::from(Refusal::NoSession)) }
                    })
                    .await?;
                Ok(token)
            }
            Ok(false) => Err(Refusal::WrongCode { left: u32::MAX }.into()),
            Err(error) => {
                self.store
                    .write(move |db| attempts::take_back(db, &attempt_id).map_err(Failure::from))
                    .await?;
                Err(error.into())
            }
        }
    }
}
