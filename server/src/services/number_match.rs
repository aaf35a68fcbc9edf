//! The number that a phone shows with an approval request, and the page has to be given (NIST SP 800-63B-4 §3.1.3.1):
//! whoever approves by mistake signs nobody in.

use std::sync::Arc;

use super::{Context, Result, ServiceError, code_checks::Verified, sessions::UserSession};
use crate::{
    domain::{
        approval::{ApprovalState, NUMBER_LIFETIME, WRONG_NUMBERS},
        client::Client,
        event::{Act, Event, Outcome},
        factor::Method,
        notice::Notice,
        refusal::Refusal,
        session::PushMatch,
    },
    store::{approval_numbers, users},
};

/// What `PUSH_MATCH` says about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberRule {
    /// An approval needs its number.
    Asked,
    /// A plain approval is enough.
    Plain,
    /// A plain approval would be a way around the number, so none is asked for.
    NoPush,
}

impl Context {
    /// The rule for a session, by its carrier and by whether its account was ever used on the page.
    pub(super) fn number_rule(&self, cookie_only: bool, uses_page: bool) -> NumberRule {
        match self.settings.push_match {
            PushMatch::Off => NumberRule::Plain,
            PushMatch::Always => NumberRule::Asked,
            PushMatch::Page if cookie_only => NumberRule::Asked,
            PushMatch::Page if uses_page => NumberRule::NoPush,
            PushMatch::Page => NumberRule::Plain,
        }
    }
}

/// Judges numbers.
#[derive(Debug, Clone)]
pub struct NumberMatch {
    context: Arc<Context>,
}

/// What became of a number.
enum Judged {
    Right(Verified, super::factor_passed::Changed),
    Wrong { left: u32 },
}

impl NumberMatch {
    /// Uses the context's database.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Judges the number of the session's newest request, which must be approved. The right one completes the
    /// second factor; the third wrong one denies the request, and counts as one wrong code.
    ///
    /// # Errors
    /// [`Refusal::InvalidFields`] where it is not two digits; [`Refusal::NoMatch`]; [`Refusal::NotApproved`], which says
    /// nothing about the number; [`Refusal::WrongNumber`].
    pub async fn judge(&self, session: &UserSession, number: &str, client: &Client) -> Result<Verified> {
        let number = read(number)?;
        let (context, now) = (Arc::clone(&self.context), self.context.now());
        let token = context.next_token(session);
        let (owned, from) = (session.clone(), client.clone());
        let judging = Arc::clone(&context);
        let judged = context.store.write(move |db| {
            // Two numbers are judged one after the other.
            crate::store::lock(db, owned.user.id.as_str())?;
            let asked = approval_numbers::number_asked(db, &owned.session.id)?;
            let asked = asked.ok_or(ServiceError::from(Refusal::NoMatch))?;
            match asked.status {
                ApprovalState::Asking | ApprovalState::Pending if now < asked.expires_at => {
                    return Err(Refusal::NotApproved.into());
                }
                ApprovalState::Approved
                    if asked.settled_at.is_some_and(|at| now < at.plus(NUMBER_LIFETIME)) => {}
                _ => return Err(Refusal::NoMatch.into()),
            }
            if asked.number == number && approval_numbers::matched(db, &asked.id, now)? {
                let verifies_phone = judging.push_verifies_phone(&asked.account);
                let passed = (Method::Push, verifies_phone);
                let (verified, changed) = judging.complete(db, &owned, passed, true, token, now)?;
                return Ok(Judged::Right(verified, changed));
            }
            let left = (WRONG_NUMBERS - asked.wrong - 1).max(0).unsigned_abs();
            approval_numbers::wrong_number(db, &asked.id, &owned.session.id, left == 0, now)?;
            if left == 0 {
                let before = users::wrong_codes(db, &owned.user.id)?;
                // A lock that holds is not replaced by a count.
                if before.locked_until.is_none_or(|until| until <= now) {
                    let after = judging.one_wrong_code_more(before, now);
                    users::set_wrong_codes(db, &owned.user.id, after)?;
                    if let Some(until) = after.locked_until {
                        let origin = Event::new(Act::CodesLocked, Outcome::Denied).client(&from).origin;
                        judging.notify(db, &owned.user, Notice::CodesLocked { until }, origin, now)?;
                    }
                }
            }
            Ok::<_, ServiceError>(Judged::Wrong { left })
        });
        let event = |outcome| {
            let event = Event::new(Act::PushMatched, outcome).user(&session.user.id).method(Method::Push);
            context.record(event.client(client));
        };
        match judged.await? {
            Judged::Right(verified, changed) => {
                event(Outcome::Success);
                changed.record(&context);
                Ok(verified)
            }
            Judged::Wrong { left } => {
                event(if left == 0 { Outcome::Denied } else { Outcome::Wrong });
                Err(Refusal::WrongNumber { left }.into())
            }
        }
    }
}

/// Two ASCII digits.
fn read(typed: &str) -> Result<i32> {
    let typed = typed.trim();
    let is_number = typed.len() == 2 && typed.bytes().all(|byte| byte.is_ascii_digit());
    let number = typed.parse().ok().filter(|_| is_number);
    number.ok_or_else(|| {
        Refusal::InvalidFields([("number", "Enter the two digits your phone shows.".to_owned())].into())
            .into()
    })
}
