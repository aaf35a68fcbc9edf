//! Accounts of another system, a few at a time.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    domain::{
        account::key,
        clock::Timestamp,
        event::{Act, Event, Outcome as EventOutcome},
        ids::{EventId, Random, UserId, digest},
        import::{ImportRow, ImportedAccount, Problems},
    },
    services::{Context, Result, ServiceError},
    store::{
        Db, credentials,
        events::{self, EventRow},
        imports::{self, ImportedUser},
        users,
    },
};

/// Imports accounts. Each is stored together with its event, so that both are there after a crash or none is.
#[derive(Debug)]
pub struct Importing {
    context: Arc<Context>,
    /// Nothing is stored: what would be is remembered here, for later rows may have the same names.
    rehearsal: Option<Rehearsal>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The account was made.
    Imported,
    /// It was imported before.
    Already,
    /// Another account has its e-mail or its username.
    Taken(&'static str),
}

/// Digests of e-mails, with those of their hashes, and of usernames.
#[derive(Debug, Default)]
struct Rehearsal {
    emails: HashMap<String, String>,
    usernames: HashSet<String>,
}

impl Importing {
    /// Uses the context's database; stores nothing if it is a rehearsal.
    #[must_use]
    pub fn new(context: Arc<Context>, is_rehearsal: bool) -> Self {
        Self { context, rehearsal: is_rehearsal.then(Rehearsal::default) }
    }

    /// Reads a row by the rules of a sign-up.
    ///
    /// # Errors
    /// What is wrong with which column.
    pub fn read(&self, row: &ImportRow) -> std::result::Result<ImportedAccount, Problems> {
        ImportedAccount::read(row, &self.context.settings.numbers, self.context.now())
    }

    /// Stores accounts in one transaction; answers what became of each, in their order.
    ///
    /// # Errors
    /// When the database fails; then none of them is stored.
    pub async fn store(&mut self, accounts: Vec<ImportedAccount>) -> Result<Vec<Outcome>> {
        let (now, random) = (self.context.now(), self.context.random);
        if let Some(rehearsal) = &mut self.rehearsal {
            let read = self.context.store.read(move |db| {
                let found = accounts.iter().map(|account| there_is(db, account));
                let found = found.collect::<Result<Vec<_>>>()?;
                Ok::<_, ServiceError>(accounts.into_iter().zip(found).collect::<Vec<_>>())
            });
            let read = read.await?;
            return Ok(read.into_iter().map(|(account, found)| rehearsal.outcome(&account, found)).collect());
        }
        let stored = self.context.store.write(move |db| {
            let mut outcomes = Vec::with_capacity(accounts.len());
            let mut new = Vec::new();
            for account in &accounts {
                let user = row_of(account, random, now);
                let is_stored = imports::insert(db, &user)?;
                if is_stored {
                    new.push(event_of(&user, now));
                }
                outcomes.push(match is_stored {
                    true => Outcome::Imported,
                    // Committed by somebody else a moment ago, and gone again: the next run imports it.
                    false => there_is(db, account)?.unwrap_or(Outcome::Taken("email")),
                });
            }
            let users: Vec<UserId> = new.iter().filter_map(|event| event.user_id.clone()).collect();
            events::insert(db, new)?;
            Ok::<_, ServiceError>((outcomes, users))
        });
        let (outcomes, users) = stored.await?;
        for user in &users {
            Event::new(Act::AccountImported, EventOutcome::Success).user(user).log();
        }
        Ok(outcomes)
    }
}

impl Rehearsal {
    fn outcome(&mut self, account: &ImportedAccount, found: Option<Outcome>) -> Outcome {
        if let Some(found) = found {
            return found;
        }
        let (email, hash) = (digest(&[&key(&account.email)]), digest(&[account.password_hash.reveal()]));
        if let Some(earlier) = self.emails.get(&email) {
            return if *earlier == hash { Outcome::Already } else { Outcome::Taken("email") };
        }
        if let Some(username) = &account.username
            && !self.usernames.insert(digest(&[&key(username)]))
        {
            return Outcome::Taken("username");
        }
        self.emails.insert(email, hash);
        Outcome::Imported
    }
}

/// What becomes of an account whose e-mail or username somebody has; `None` where nobody has them.
fn there_is(db: &mut Db, account: &ImportedAccount) -> Result<Option<Outcome>> {
    let (email_key, hash) = (key(&account.email), account.password_hash.reveal());
    if let Some(user) = credentials::by_email(db, &email_key)? {
        // Its hash is another one since its owner has signed in, or has changed the password.
        let is_same = user.password_hash == hash || events::is_kept(db, &user.id, &event_id(&user.id, hash))?;
        return Ok(Some(if is_same { Outcome::Already } else { Outcome::Taken("email") }));
    }
    let username_key = account.username.as_deref().map(key);
    Ok(users::taken_field(db, &email_key, username_key.as_deref())?.map(Outcome::Taken))
}

fn row_of(account: &ImportedAccount, random: Random, now: Timestamp) -> ImportedUser {
    ImportedUser {
        id: UserId::new(random),
        full_name: account.full_name.clone(),
        username: account.username.clone(),
        username_key: account.username.as_deref().map(key),
        email: account.email.clone(),
        email_key: key(&account.email),
        password_hash: account.password_hash.reveal().to_owned(),
        phone: account.phone.clone(),
        created_at: account.created_at.unwrap_or(now),
        phone_verified_at: account.is_phone_verified.then_some(now),
        email_verified_at: account.is_email_verified.then_some(now),
    }
}

/// The event names the row it came from, so that another run knows the row again.
fn event_of(user: &ImportedUser, now: Timestamp) -> EventRow {
    EventRow {
        id: event_id(&user.id, &user.password_hash),
        user_id: Some(user.id.clone()),
        at: now,
        act: Act::AccountImported,
        outcome: EventOutcome::Success,
        factor: None,
        browser: String::new(),
        address: String::new(),
    }
}

fn event_id(user: &UserId, hash: &str) -> EventId {
    EventId::from_text(digest(&["account imported", user.as_str(), hash]))
}
