//! Recovery codes: ten random codes, shown once, each good for one sign-in without the phone.

use std::sync::Arc;

use shared::recovery::{RECOVERY_ALPHABET, RECOVERY_CODE_LENGTH, RECOVERY_CODES, normalized};

use super::{
    Context, Result, ServiceError, code_checks::Verified, factor_passed::Changed, sessions::UserSession,
};
use crate::{
    domain::{
        client::Client,
        clock::Timestamp,
        event::{Act, Event, Outcome},
        factor::Method,
        ids::{Random, UserId, digest},
        notice::Notice,
        refusal::Refusal,
    },
    store::{attempts, recovery_codes, users},
};

/// Letters and digits between two dashes.
const GROUP: usize = 5;

/// Makes and uses recovery codes.
#[derive(Debug, Clone)]
pub struct Recovery {
    context: Arc<Context>,
}

/// What became of a code.
enum Judged {
    Right { verified: Verified, changed: Changed },
    Wrong,
}

impl Recovery {
    /// Uses the context's database.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Makes a new set; the one before it is void.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`], or that the database fails.
    pub async fn make(&self, session: &UserSession, client: &Client) -> Result<Vec<String>> {
        let context = &self.context;
        context.require_step_up(session)?;
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| new_code(context.random)).collect();
        let (user, now) = (session.user.clone(), context.now());
        let digests: Vec<String> = codes.iter().map(|code| digest_of(&user.id, code)).collect();
        let (owner, making, from) = (user.clone(), Arc::clone(context), client.clone());
        context
            .store
            .write(move |db| {
                crate::store::lock(db, owner.id.as_str())?;
                recovery_codes::replace(db, &owner.id, &digests, now)?;
                let origin = Event::new(Act::RecoveryCodesMade, Outcome::Success).client(&from).origin;
                making.notify(db, &owner, Notice::MethodAdded(Method::Recovery), origin, now)
            })
            .await?;
        context.record(Event::new(Act::RecoveryCodesMade, Outcome::Success).user(&user.id).client(client));
        Ok(codes.iter().map(|code| written(code)).collect())
    }

    /// How many codes of the user's set were not used yet, and when it was made; `None` without a set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn left(&self, session: &UserSession) -> Result<Option<(u32, Timestamp)>> {
        let user = session.user.id.clone();
        self.context.store.read(move |db| Ok::<_, ServiceError>(recovery_codes::left(db, &user)?)).await
    }

    /// Uses a code in place of the second factor. Codes have a budget of their own: the lock for other wrong codes does
    /// not stand in the way.
    ///
    /// # Errors
    /// [`Refusal::WrongCode`], also for one that was used before; [`Refusal::TooMany`].
    pub async fn recover(&self, session: &UserSession, typed: &str, client: &Client) -> Result<Verified> {
        let context = &self.context;
        let (token, now) = (context.next_token(session), context.now());
        // What can't be a code is a wrong one, and counts like it.
        let code = normalized(typed).unwrap_or_default();
        let (owned, from) = (session.clone(), client.clone());
        let judging = Arc::clone(context);
        let judged = context.store.write(move |db| {
            let user = &owned.user;
            crate::store::lock(db, user.id.as_str())?;
            // Only wrong ones count, and a right one is never refused: nobody can guess one, and others who know the
            // password can't use up the budget against the owner.
            if !recovery_codes::use_one(db, &user.id, &digest_of(&user.id, &code), now)? {
                attempts::count_all(db, judging.recovery_budget(&user.id, &from), now)??;
                // A wrong code is no error of the transaction: its count stays.
                return Ok::<_, ServiceError>(Judged::Wrong);
            }
            let (verified, changed) =
                judging.complete(db, &owned, (Method::Recovery, false), true, token, now)?;
            let left = recovery_codes::left(db, &user.id)?.map_or(0, |(left, _)| left);
            // As it stands now: the factor that has passed may have changed it.
            if let Some(user) = users::by_id(db, &user.id)? {
                let origin = Event::new(Act::RecoveryCodeUsed, Outcome::Success).client(&from).origin;
                judging.notify(db, &user, Notice::RecoveryCodeUsed { left }, origin, now)?;
            }
            Ok(Judged::Right { verified, changed })
        });
        let event = |outcome| {
            let event = Event::new(Act::RecoveryCodeUsed, outcome).user(&session.user.id);
            context.record(event.method(Method::Recovery).client(client));
        };
        match judged.await {
            Ok(Judged::Right { verified, changed }) => {
                event(Outcome::Success);
                changed.record(context);
                Ok(verified)
            }
            Ok(Judged::Wrong) => {
                event(Outcome::Wrong);
                Err(Refusal::WrongCode { left: None }.into())
            }
            Err(failure) => {
                if matches!(failure, ServiceError::Refused(Refusal::TooMany { .. })) {
                    event(Outcome::Refused);
                }
                Err(failure)
            }
        }
    }
}

/// What is stored of a code. It has enough random bits for a hash without salt; the user stands in it all the same.
fn digest_of(user: &UserId, code: &str) -> String {
    digest(&["recovery code", user.as_str(), code])
}

/// Fifteen letters and digits. Five bits of each byte: the alphabet has 32.
fn new_code(random: Random) -> String {
    let bytes = random.bytes::<RECOVERY_CODE_LENGTH>();
    bytes.iter().map(|byte| char::from(RECOVERY_ALPHABET[usize::from(byte & 31)])).collect()
}

/// A code as people read it: `xxxxx-xxxxx-xxxxx`.
fn written(code: &str) -> String {
    let groups: Vec<&str> =
        (0..code.len()).step_by(GROUP).map(|at| &code[at..(at + GROUP).min(code.len())]).collect();
    groups.join("-")
}
