//! Making accounts, and beginning a sign-in.

use std::sync::Arc;

use shared::{Login, NewUser, PushAnswer};

use super::{
    Context, Result, ServiceError,
    budgets::TakeBack,
    enrolments::is_outage,
    finish,
    password_work::{Asker, PasswordWork, Turn},
    pushes::Pushes,
    remembered::RememberedCookie,
    sessions::{self, Opening, UserSession},
};
use crate::{
    domain::{
        account::{Registration, key},
        client::Client,
        event::{Act, Event, Outcome},
        factor::{Enrolment, Method},
        ids::{AttemptId, FactorId, Token, UserId},
        password::is_too_weak,
        refusal::Refusal,
        session::{Origin, State},
    },
    provider::{Person, ProviderError},
    store::{
        Db, attempts,
        factors::{self, NewFactor},
        half_sign_ins,
        sessions::NewSession,
        users::{self, NewUserRow, UserRow},
    },
};

/// Makes accounts and checks passwords.
#[derive(Debug, Clone)]
pub struct Accounts {
    pub(super) context: Arc<Context>,
    pub(super) passwords: PasswordWork,
    pushes: Pushes,
}

/// A sign-in that a right password has begun.
#[derive(Debug)]
pub struct BegunSignIn {
    /// Its session: pending, or verified in a remembered browser.
    pub session: UserSession,
    /// What was sent to the phone.
    pub answer: PushAnswer,
    /// The next cookie of a remembered browser.
    pub remembered: Option<RememberedCookie>,
}

/// The keys a new account is known by.
#[derive(Debug, Clone)]
struct Keys {
    email: String,
    username: Option<String>,
}

impl Accounts {
    /// Hashes by `passwords`; a login asks the phone by `pushes`.
    #[must_use]
    pub fn new(context: Arc<Context>, passwords: PasswordWork, pushes: Pushes) -> Self {
        Self { context, passwords, pushes }
    }

    /// Makes an account: enrols the phone at the provider, then stores. Repeated after a crash in
    /// between it completes, because the provider answers the same user for the same phone.
    ///
    /// # Errors
    /// What is wrong with which field, what is taken, a limit, or the provider's failure.
    pub async fn register(&self, new: NewUser, origin: Origin, client: &Client) -> Result<UserSession> {
        let event = |outcome| self.context.record(Event::new(Act::SignUp, outcome).client(client));
        let registration = Registration::read(&new, &self.context.settings.numbers)?;
        let place = self.passwords.enter(Asker::Stranger, client).inspect_err(|_| event(Outcome::Refused))?;
        let keys =
            Keys { email: key(&registration.email), username: registration.username.as_deref().map(key) };
        let counted =
            self.count_sign_up(keys.clone(), client).await.inspect_err(|_| event(Outcome::Refused))?;
        let mut unfinished = TakeBack::new(&self.context, counted);
        let turn = place.turn().await;
        let counted = unfinished.disarm();
        let (accounts, client) = (self.clone(), client.clone());
        finish(async move {
            let hash = hash_if_strong(turn, &registration).await?;
            match accounts.enrol_and_store(registration, &keys, hash, origin, &client).await {
                Err(failure) => {
                    // A provider that has answered was asked: that counts.
                    if let ServiceError::Provider(ProviderError::Unreachable(_) | ProviderError::Limited) =
                        &failure
                    {
                        accounts.context.take_back(counted).await?;
                    }
                    accounts.context.record(Event::new(Act::SignUp, Outcome::Failed).client(&client));
                    Err(failure)
                }
                done => done,
            }
        })
        .await
    }

    async fn enrol_and_store(
        &self,
        registration: Registration,
        keys: &Keys,
        password_hash: String,
        origin: Origin,
        client: &Client,
    ) -> Result<UserSession> {
        let context = &self.context;
        let provider = context.providers.current();
        let person = Person { email: &registration.email, phone: registration.phone.number() };
        let enrolled = provider.enrol(person).await.map_err(refused_field)?;
        let at = Enrolment { account: provider.account().clone(), user: enrolled };
        let now = context.now();
        let row = NewUserRow {
            id: UserId::new(context.random),
            full_name: registration.full_name,
            username: registration.username,
            username_key: keys.username.clone(),
            email: registration.email,
            email_key: keys.email.clone(),
            password_hash,
            phone: registration.phone,
            created_at: now,
            unverified_since: Some(now),
        };
        let user = UserRow {
            id: row.id.clone(),
            full_name: row.full_name.clone(),
            username: row.username.clone(),
            email: row.email.clone(),
            password_hash: row.password_hash.clone(),
            password_version: 1,
            phone: row.phone.clone(),
            phone_verified_at: None,
            created_at: now,
            authenticator_lost: None,
            email_verified_at: None,
            disabled_at: None,
            password_changed_at: None,
            uses_page: false,
            last_sign_in_at: None,
            unverified_since: Some(now),
        };
        let factor = NewFactor::phone(FactorId::new(context.random), row.id.clone(), at, None, now);
        let token = Token::new(context.random);
        let session = context.new_session(&Opening { user: Some(&user), origin, client }, &token);
        let opened = sessions::opened(&session, user, token);
        let (verifying, verified) = (Arc::clone(context), opened.user.clone());
        let stored = context
            .store
            .write(move |db| {
                users::insert(db, &row)?;
                factors::insert(db, &factor)?;
                sessions::insert(db, &session, now)?;
                // Nobody else has been asked for this e-mail: there is no budget to respect but that of sign-ups.
                if verifying.sends_mail() {
                    verifying.queue_verification(db, &verified, &verified.email, now)?;
                }
                Ok::<_, ServiceError>(())
            })
            .await;
        match stored {
            Ok(()) => {
                let event = Event::new(Act::SignUp, Outcome::Success).user(&opened.user.id);
                context.record(event.client(client));
                Ok(opened)
            }
            // Another sign-up was faster; a new transaction finds out which field clashes.
            Err(ServiceError::Store(error)) if error.is_duplicate() => {
                let keys = keys.clone();
                let taken = context.store.read(move |db| {
                    Ok::<_, ServiceError>(users::taken_field(db, &keys.email, keys.username.as_deref())?)
                });
                Err(Refusal::Taken(taken.await?.unwrap_or("email")).into())
            }
            Err(failure) => Err(failure),
        }
    }

    /// Counts a sign-up before any work is done, also when the e-mail is taken: who has an account is
    /// not to be asked in bulk.
    async fn count_sign_up(&self, keys: Keys, client: &Client) -> Result<Vec<AttemptId>> {
        let (counts, now) = (self.context.sign_up_budget(client), self.context.now());
        self.context
            .store
            .write(move |db| {
                let counted = attempts::count_all(db, counts, now)??;
                Ok::<_, ServiceError>((
                    counted,
                    users::taken_field(db, &keys.email, keys.username.as_deref())?,
                ))
            })
            .await
            .and_then(|(counted, taken)| match taken {
                Some(field) => Err(Refusal::Taken(field).into()),
                None => Ok(counted),
            })
    }

    /// Checks a password and asks the phone. A right password yields a pending session, unless the
    /// provider cannot be used and no other factor is enrolled.
    ///
    /// # Errors
    /// As [`open`](Self::open), or that the phone could not be asked.
    pub async fn log_in(&self, login: Login, client: &Client) -> Result<BegunSignIn> {
        let user = self.check_password(login, client).await?;
        if let Some(cookie) = self.context.recognize(&user, client).await? {
            return self.open_remembered(user, cookie, client).await;
        }
        let session = self.begin(user, client).await?;
        let (accounts, client) = (self.clone(), client.clone());
        finish(async move {
            let begun = match accounts.pushes.ask_at_login(&session, &client).await {
                Ok(answer) => (session, answer),
                Err(failure) => accounts.without_phone(session, failure).await?,
            };
            let (session, answer) = begun;
            Ok(BegunSignIn { session, answer, remembered: None })
        })
        .await
    }

    /// Opens a session in a remembered browser. It is verified: the password was enough.
    async fn open_remembered(
        &self,
        user: UserRow,
        cookie: RememberedCookie,
        client: &Client,
    ) -> Result<BegunSignIn> {
        let (context, token) = (&self.context, Token::new(self.context.random));
        let opening = Opening { user: Some(&user), origin: Origin::Password, client };
        let now = context.now();
        let session = NewSession {
            state: State::Verified,
            factor: Some(Method::Device),
            factor_at: Some(now),
            expires_at: now.plus(context.lifetimes().absolute),
            ..context.new_session(&opening, &token)
        };
        let opened = sessions::opened(&session, user, token);
        let owner = opened.user.clone();
        let stored = context.store.write(move |db| {
            require_unchanged(db, &owner)?;
            sessions::insert(db, &session, now)
        });
        stored.await?;
        let event = Event::new(Act::SignedIn, Outcome::Success).user(&opened.user.id);
        context.record(event.method(Method::Device).client(client));
        let answer = PushAnswer {
            success: true,
            message: "This device is remembered.".to_owned(),
            approval_request: None,
            via: None,
        };
        Ok(BegunSignIn { session: opened, answer, remembered: Some(cookie) })
    }

    /// Nothing could be sent. The session stays where a limit was the reason, for the app's code and
    /// the authenticator's remain; where the provider was, only with an authenticator.
    async fn without_phone(
        &self,
        session: UserSession,
        failure: ServiceError,
    ) -> Result<(UserSession, PushAnswer)> {
        let by_limit = match &failure {
            // Another login ended this one meanwhile.
            ServiceError::Refused(Refusal::NoSession) => return Err(failure),
            ServiceError::Refused(_) | ServiceError::Provider(ProviderError::Limited) => true,
            ServiceError::Provider(error) => {
                if is_outage(error) {
                    tracing::warn!(user.id = %session.user.id, %error, "the phone could not be asked");
                }
                false
            }
            ServiceError::Store(_) => return Err(failure),
        };
        let (user, id) = (session.user.id.clone(), session.session.id.clone());
        let another_way = self
            .context
            .store
            .write(move |db| {
                let another_way = by_limit || factors::has_authenticator(db, &user)?;
                if !another_way {
                    crate::store::sessions::delete(db, &id)?;
                }
                Ok::<_, ServiceError>(another_way)
            })
            .await?;
        if !another_way {
            return Err(failure);
        }
        let message = if by_limit {
            "Too many requests and codes were sent. Use a code from your app."
        } else {
            "We couldn't reach your phone. Use a code from your authenticator app."
        };
        let nothing_sent =
            PushAnswer { success: false, message: message.to_owned(), approval_request: None, via: None };
        Ok((session, nothing_sent))
    }

    /// Checks a password and opens a pending session; the phone is not asked.
    ///
    /// # Errors
    /// [`Refusal::WrongCredentials`] whether the user is unknown or the password wrong,
    /// [`Refusal::TooMany`], [`Refusal::Busy`].
    pub async fn open(&self, login: Login, client: &Client) -> Result<UserSession> {
        let user = self.check_password(login, client).await?;
        self.begin(user, client).await
    }

    async fn begin(&self, user: UserRow, client: &Client) -> Result<UserSession> {
        self.context.move_at_sign_in(&user).await;
        let half = self.context.half_sign_in(&user, client);
        let (token, now) = (Token::new(self.context.random), self.context.now());
        let opening = Opening { user: Some(&user), origin: Origin::Password, client };
        let session = self.context.new_session(&opening, &token);
        let opened = sessions::opened(&session, user, token);
        let owner = opened.user.clone();
        self.context
            .store
            .write(move |db| {
                require_unchanged(db, &owner)?;
                sessions::insert(db, &session, now)?;
                if let Some(half) = half {
                    half_sign_ins::insert(db, &half(&session))?;
                }
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(opened)
    }
}

/// A password takes its time to be checked: what ends an account's sessions meanwhile ends this sign-in as well.
fn require_unchanged(db: &mut Db, user: &UserRow) -> Result<()> {
    crate::store::lock(db, user.id.as_str())?;
    let now = users::by_id(db, &user.id)?.filter(|now| now.disabled_at.is_none());
    if now.is_some_and(|now| now.password_version == user.password_version) {
        return Ok(());
    }
    Err(Refusal::WrongCredentials.into())
}

async fn hash_if_strong(turn: Turn, registration: &Registration) -> Result<String> {
    let (password, about) = (registration.password.clone(), registration.about_owner());
    let hash = turn.work(move |hasher| {
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        (!is_too_weak(&password, &about)).then(|| hasher.hash(password.reveal()))
    });
    hash.await.ok_or_else(|| {
        let problem = "Too easy to guess. Use three or four unrelated words.".to_owned();
        Refusal::InvalidFields([("password", problem)].into()).into()
    })
}

/// What the provider says about a field is told at that field.
fn refused_field(error: ProviderError) -> ServiceError {
    let (field, problem) = match error {
        ProviderError::BadPhone | ProviderError::ChannelRefused => {
            ("phone", "This number can't receive codes. Use another number.")
        }
        ProviderError::BadEmail => ("email", "This email address isn't accepted."),
        other => return other.into(),
    };
    Refusal::InvalidFields([(field, problem.to_owned())].into()).into()
}
