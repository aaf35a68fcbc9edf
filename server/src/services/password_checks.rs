//! Checking a password: counted as wrong first, and taken back when it was right.

use std::sync::Arc;

use shared::Login;

use super::{
    Result, ServiceError,
    accounts::Accounts,
    budgets::{Counts, TakeBack},
    finish,
    password_work::Asker,
};
use crate::{
    domain::{
        account::key,
        client::Client,
        clock::Timestamp,
        event::{Act, Event, Outcome},
        ids::AttemptId,
        limits::AttemptKind,
        password::Match,
        refusal::{Counted, Refusal},
        text::nfc,
    },
    store::{
        attempts::{self, Run},
        users::{self, UserRow},
    },
};

/// Longest e-mail or username that is looked up.
const LONGEST_LOGIN: usize = 254;

/// A password that was counted as wrong before it was checked.
#[derive(Debug, Clone)]
struct CountedPassword {
    user: Option<UserRow>,
    run_id: AttemptId,
    run_subject: String,
    counts: Counts,
    at: Timestamp,
}

impl CountedPassword {
    fn all_ids(&self) -> Vec<AttemptId> {
        self.counts.ids.iter().chain([&self.run_id]).cloned().collect()
    }
}

impl Accounts {
    /// Unknown user, wrong password and locked account cost the same and look the same.
    pub(super) async fn check_password(&self, login: Login, client: &Client) -> Result<UserRow> {
        let named = if login.email.trim().is_empty() { login.username } else { login.email };
        // No name has a control character, and not every database stores them.
        let is_name = named.chars().count() <= LONGEST_LOGIN && !named.contains(char::is_control);
        let named = if is_name { named } else { String::new() };
        let user = {
            let named = named.clone();
            let found =
                self.context.store.read(move |db| Ok::<_, ServiceError>(users::by_login(db, &named)?));
            found.await?
        };
        self.check_password_of(user, named, login.password, client).await
    }

    /// Checks the password of an account, or of a name nobody has. Nobody signs in to a disabled account: it looks like a
    /// wrong password.
    pub(super) async fn check_password_of(
        &self,
        user: Option<UserRow>,
        named: String,
        password: String,
        client: &Client,
    ) -> Result<UserRow> {
        let password: String = password.chars().take(shared::password::LONGEST + 1).collect();
        let event = |outcome| Event::new(Act::Password, outcome).client(client);
        let known_device =
            user.as_ref().is_some_and(|user| client.known_device(&user.id, user.password_version).is_some());
        let asker = if known_device { Asker::KnownDevice } else { Asker::Stranger };
        let refused = || match &user {
            Some(user) => self.context.record(event(Outcome::Refused).user(&user.id)),
            None => self.context.record(event(Outcome::Refused)),
        };
        let place = self.passwords.enter(asker, client).inspect_err(|_| refused())?;
        let counted = self.count_password(named, user.clone(), client).await.inspect_err(|_| refused())?;
        let mut unfinished = TakeBack::new(&self.context, counted.all_ids());
        let turn = place.turn().await;
        unfinished.disarm();
        let (accounts, client) = (self.clone(), client.clone());
        finish(async move {
            let enabled = counted.user.as_ref().filter(|user| user.disabled_at.is_none());
            let stored = enabled.map(|user| user.password_hash.clone());
            let found = turn.work(move |hasher| hasher.check(&password, stored.as_deref())).await;
            accounts.settle_password(counted, found, &client).await
        })
        .await
    }

    /// Notes the result of a check; answers the user where the password was right.
    async fn settle_password(
        &self,
        counted: CountedPassword,
        found: Match,
        client: &Client,
    ) -> Result<UserRow> {
        let event = |outcome| Event::new(Act::Password, outcome).client(client);
        let Some(user) = counted.user.clone().filter(|_| found != Match::No) else {
            match &counted.user {
                Some(user) => self.context.record(event(Outcome::Wrong).user(&user.id)),
                None => self.context.record(event(Outcome::Wrong)),
            }
            return Err(Refusal::WrongCredentials.into());
        };
        self.context
            .store
            .write(move |db| {
                // It was no wrong password, and those before it are forgotten. Those that are being
                // checked beside it stay counted until they are right, too.
                attempts::take_back(db, &counted.counts.ids)?;
                attempts::forget_until(db, AttemptKind::Password, &counted.run_subject, counted.at)?;
                if let (Match::YesRehashed(newer), Some(user)) = (found, &counted.user) {
                    users::replace_hash(db, &user.id, &user.password_hash, &newer)?;
                }
                Ok::<_, ServiceError>(())
            })
            .await?;
        self.context.record(event(Outcome::Success).user(&user.id));
        Ok(user)
    }

    /// Counts a password as wrong before it is checked, so that guesses in parallel count as well.
    async fn count_password(
        &self,
        named: String,
        user: Option<UserRow>,
        client: &Client,
    ) -> Result<CountedPassword> {
        let (context, client, at) = (Arc::clone(&self.context), client.clone(), self.context.now());
        let run_id = AttemptId::new(context.random);
        self.context
            .store
            .write(move |db| {
                let whose =
                    user.as_ref().map_or_else(|| key(&nfc(&named)), |user| user.id.as_str().to_owned());
                let budget = context.password_budget(&whose, user.as_ref(), &client);
                let run_subject = context.keys.subject(&["password run", &whose, &client.narrow_key()]);
                let limits = context.limits();
                let run = Run {
                    kind: AttemptKind::Password,
                    subject: &run_subject,
                    most: limits.wrong_passwords,
                    window: limits.lock,
                };
                let counts = match attempts::count_in_a_row(db, &run_id, &run, at)? {
                    Ok(()) => budget.count(db, at)?,
                    Err(wait) => {
                        let refused = Refusal::TooMany { what: Counted::Passwords, wait };
                        budget.count_by_device(db, refused, at)?
                    }
                };
                Ok::<_, ServiceError>(CountedPassword { user, run_id, run_subject, counts, at })
            })
            .await
    }
}
