//! What a passed factor changes, whichever it was.

use std::time::Duration;

use super::{Context, Result, ServiceError, code_checks::Verified, sessions::UserSession};
use crate::{
    domain::{
        clock::Timestamp,
        event::{Act, Event, Outcome},
        factor::Method,
        ids::{SessionId, Token, UserId},
        limits::DAY,
        notice::Notice,
        refusal::Refusal,
        session::{Origin, State},
    },
    store::{
        Db, events, half_sign_ins, phone_changes,
        session_factors::{self, Completing},
        sessions,
        users::{self, FactorPassed, PhoneVerification},
    },
};

/// Whoever has signed in with the same browser from the same address within so long is not on a new device.
const SEEN_WITHIN: Duration = DAY.saturating_mul(30);

/// A factor that has passed, for one person or several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed<'a> {
    pub(super) users: &'a [&'a UserId],
    /// The sessions it passed in; none for the approval of an action.
    pub(super) sessions: &'a [&'a SessionId],
    pub(super) method: Method,
    /// Whether it shows that the phones are with their users.
    pub(super) verifies_phone: bool,
}

/// What a passed factor has changed.
#[derive(Debug, Clone, Default)]
pub(super) struct Changed {
    /// Whose phone was verified for the first time.
    pub(super) verified: Vec<UserId>,
    /// Sign-ins that are complete now.
    pub(super) signed_in: Vec<SignIn>,
}

/// A sign-in that is complete.
#[derive(Debug, Clone)]
pub(super) struct SignIn {
    pub(super) user: UserId,
    method: Method,
    browser: String,
    address: String,
}

impl Changed {
    /// For the log and the activity, once it is committed.
    pub(super) fn record(&self, context: &Context) {
        for user in &self.verified {
            context.record(Event::new(Act::PhoneVerified, Outcome::Success).user(user));
        }
        for SignIn { user, method, browser, address } in &self.signed_in {
            let event = Event::new(Act::SignedIn, Outcome::Success).user(user).method(*method);
            context.record(event.noted(browser, address));
        }
    }
}

impl Context {
    /// Notes a passed factor with users and sessions.
    pub(super) fn factor_passed(
        &self,
        db: &mut Db,
        passed: Passed<'_>,
        clears_lock: bool,
        now: Timestamp,
    ) -> Result<Changed> {
        let Passed { users, sessions, method, verifies_phone } = passed;
        let accounts_per_phone = self.limits().accounts_per_phone;
        let noted = FactorPassed { users, method, clears_lock, verifies_phone, accounts_per_phone };
        let verifications = users::factor_passed(db, noted, now)?;
        let first = verifications.into_iter().filter(|(_, phone)| *phone == PhoneVerification::First);
        let verified: Vec<UserId> = first.map(|(user, _)| user).collect();
        let lifetimes = self.lifetimes();
        let mut signed_in = Vec::new();
        if !sessions.is_empty() {
            let completing = session_factors::completing(db, sessions, now)?;
            session_factors::factor_passed(db, sessions, method, now.plus(lifetimes.absolute), now)?;
            self.note_page_use(db, &completing)?;
            for session in completing.into_iter().filter(|session| session.state == State::Pending) {
                self.tell_of_new_device(db, &session, now)?;
                let Completing { user, browser, address, .. } = session;
                signed_in.push(SignIn { user, method, browser, address });
            }
        }
        for user in &verified {
            // It may have begun with the password alone, which is enough for a phone that was never verified.
            phone_changes::delete(db, user)?;
            session_factors::phone_verified_elsewhere(db, user, now.plus(lifetimes.pending))?;
        }
        Ok(Changed { verified, signed_in })
    }

    /// A factor has passed in a session: it is verified, and gets the new token if there is one.
    pub(super) fn complete(
        &self,
        db: &mut Db,
        session: &UserSession,
        (method, verifies_phone): (Method, bool),
        clears_lock: bool,
        token: Option<Token>,
        now: Timestamp,
    ) -> Result<(Verified, Changed)> {
        let (users, ids) = ([&session.user.id], [&session.session.id]);
        let passed = Passed { users: &users, sessions: &ids, method, verifies_phone };
        let changed = self.factor_passed(db, passed, clears_lock, now)?;
        let (id, old) = (&session.session.id, session.token.hash());
        let lives = match &token {
            Some(token) => sessions::rotate(db, id, &old, &token.hash())?,
            None => matches!(sessions::state(db, id)?, Some(State::Verified | State::SignedIn)),
        };
        // Otherwise it was ended meanwhile.
        if !lives {
            return Err(ServiceError::from(Refusal::NoSession));
        }
        Ok((Verified { token, first: !changed.verified.is_empty() }, changed))
    }

    /// A new token for a session whose carrier rotates it.
    pub(super) fn next_token(&self, session: &UserSession) -> Option<Token> {
        self.settings.rotation.applies_to(session.carrier).then(|| Token::new(self.random))
    }

    /// Accounts that are used on the page need the number there from now on.
    fn note_page_use(&self, db: &mut Db, completing: &[Completing]) -> Result<()> {
        let on_page = completing.iter().filter(|session| session.cookie_only && !session.uses_page);
        let users: Vec<&UserId> = on_page.map(|session| &session.user).collect();
        if !users.is_empty() {
            users::note_page_use(db, &users)?;
        }
        Ok(())
    }

    /// Tells an owner of a sign-in in a browser that was not seen before.
    fn tell_of_new_device(&self, db: &mut Db, session: &Completing, now: Timestamp) -> Result<()> {
        if !self.sends_mail() || !session.email_verified {
            return Ok(());
        }
        half_sign_ins::completed_from(db, &session.user, &session.address)?;
        half_sign_ins::completed(db, &[&session.id])?;
        let Completing { user, browser, address, .. } = session;
        let is_known = session.has_device
            || session.origin != Origin::Password
            || events::has_signed_in(db, user, browser, address, now.minus(SEEN_WITHIN))?;
        if is_known {
            return Ok(());
        }
        let Some(owner) = users::by_id(db, user)? else { return Ok(()) };
        let origin = Event::new(Act::SignedIn, Outcome::Success).noted(browser, address).origin;
        self.notify(db, &owner, Notice::NewDevice, origin, now)
    }
}
