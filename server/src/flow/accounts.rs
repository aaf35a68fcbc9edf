//! Making an account, and the password at the login.

use shared::{Login, LoginAnswer, NewUser};

use super::{
    Failure,
    push::{Attempt, Wording},
    second_factor::SecondFactor,
};
use crate::{
    domain::{
        account::{Registration, key},
        ids::{Token, digest},
        limits::HOUR,
        password::{Hasher, Match},
        refusal::{Counted, Refusal},
        rights::Rights,
        secret::Secret,
    },
    provider::{Person, ProviderError},
    store::{
        attempts,
        attempts::Kind,
        sessions::{self, NewSession},
        users::{self, NewUserRow, UserRow},
    },
};

/// The password's half.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// The phone's half.
    pub second_factor: SecondFactor,
    /// Passwords at rest.
    pub hasher: Hasher,
}

/// A session that was begun.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Whose.
    pub user_id: String,
    /// Its own id.
    pub session_id: String,
    /// What its holder shows.
    pub token: Token,
}

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Client {
    /// Browser or program, in words.
    pub browser: String,
    /// Network address.
    pub address: String,
    /// What limits count as one address: of IPv6 the first 64 bits, which one customer has to
    /// themselves (RFC 6177).
    pub neighbourhood: String,
    /// Whether sign-ups from this address are counted.
    pub counted: bool,
}

impl Accounts {
    /// Makes an account: enrols at the provider, then stores. Begun again after a crash in between
    /// it completes, for the provider knows the phone and answers the same user.
    ///
    /// The session it answers has the rights the door it came through gives.
    ///
    /// # Errors
    /// What is wrong with which field, what is taken, or what kept the provider from it.
    pub async fn register(&self, new: NewUser, rights: Rights, client: &Client) -> Result<Opened, Failure> {
        let parts = &self.second_factor;
        // Reading includes guessing at the password's strength: a thing to compute, off the async threads.
        let registration = tokio::task::spawn_blocking(move || Registration::read(&new))
            .await
            .expect("reading a registration does not panic")?;
        let (email_key, username_key) = (key(&registration.email), registration.username.as_deref().map(key));
        let attempt_id = self.count_sign_up(&email_key, username_key.clone(), client).await?;
        let enrolled = parts
            .provider
            .enrol(Person { email: &registration.email, phone: &registration.phone })
            .await
            .map_err(refused_field);
        let enrolled = match enrolled {
            Ok(enrolled) => enrolled,
            Err(failure) => {
                parts
                    .store
                    .write(move |db| attempts::take_back(db, &attempt_id).map_err(Failure::from))
                    .await?;
                return Err(failure);
            }
        };
        let now = parts.clock.now();
        let user = NewUserRow {
            id: parts.random.id(),
            full_name: registration.full_name,
            username: registration.username,
            username_key: username_key.clone(),
            email: registration.email,
            email_key: email_key.clone(),
            password_hash: self.hasher.hash(&registration.password).await,
            calling_code: registration.phone.calling_code().to_owned(),
            national_number: registration.phone.national().to_owned(),
            provider_account: parts.provider.account().to_owned(),
            provider_user: enrolled.0,
            created_at: now,
        };
        let token = Token::new(parts.random);
        let session = self.new_session(&user.id, &token, rights);
        let opened = Opened { user_id: user.id.clone(), session_id: session.id.clone(), token };
        let stored = parts
            .store
            .write(move |db| {
                users::insert(db, &user)?;
                sessions::insert(db, &session).map_err(Failure::from)
            })
            .await;
        match stored {
            Ok(()) => Ok(opened),
            // Somebody was faster by a moment; a new transaction finds out with what.
            Err(Failure::Store(error)) if error.is_duplicate() => {
                let taken = parts.store.read(move |db| {
                    users::taken(db, &email_key, username_key.as_deref()).map_err(Failure::from)
                });
                Err(Refusal::Taken(taken.await?.unwrap_or("email")).into())
            }
            Err(failure) => Err(failure),
        }
    }

    async fn count_sign_up(
        &self,
        email_key: &str,
        username_key: Option<String>,
        client: &Client,
    ) -> Result<String, Failure> {
        let parts = &self.second_factor;
        let (id, now, limits) = (parts.random.id(), parts.clock.now(), parts.limits);
        let counted = client.counted.then(|| digest(&["sign-up", &client.neighbourhood]));
        let (attempt_id, email_key) = (id.clone(), email_key.to_owned());
        let taken = parts
            .store
            .write(move |db| {
                // Counted first, also when it is taken: who has an account is not to be asked in bulk.
                if let Some(subject) = counted {
                    let most = (limits.sign_ups_per_hour, HOUR);
                    attempts::in_window(db, &attempt_id, (Kind::SignUp, &subject), most, now)?
                        .map_err(|wait| Refusal::TooMany { what: Counted::SignUps, wait })?;
                }
                Ok::<_, Failure>(users::taken(db, &email_key, username_key.as_deref())?)
            })
            .await?;
        match taken {
            Some(field) => Err(Refusal::Taken(field).into()),
            None => Ok(id),
        }
    }

    /// Checks a password and asks the phone. The session it answers is pending; when neither push
    /// nor code could be sent there is none.
    ///
    /// # Errors
    /// As [`open`](Self::open), or that the phone could not be asked.
    pub async fn log_in(&self, login: Login, client: &Client) -> Result<LoginAnswer, Failure> {
        let parts = &self.second_factor;
        let (user, Opened { session_id, token, .. }) = self.open(login, client).await?;
        let attempt = Attempt {
            session_id,
            browser: client.browser.clone(),
            address: client.address.clone(),
            wording: Wording::ByNumber,
        };
        match parts.begin(&user, &attempt).await {
            Ok(authy_response) => Ok(LoginAnswer { token: token.reveal().to_owned(), authy_response }),
            Err(failure) => {
                let id = attempt.session_id;
                parts.store.write(move |db| sessions::delete(db, &id).map_err(Failure::from)).await?;
                Err(failure)
            }
        }
    }

    /// Checks a password and opens a pending session; the phone is not asked.
    ///
    /// # Errors
    /// [`Refusal::WrongCredentials`] whether the user is unknown or the password wrong,
    /// [`Refusal::TooMany`].
    pub async fn open(&self, login: Login, client: &Client) -> Result<(UserRow, Opened), Failure> {
        let user = self.check_password(login, client).await?;
        let token = Token::new(self.second_factor.random);
        let session = self.new_session(&user.id, &token, Rights::Pending);
        let opened = Opened { user_id: user.id.clone(), session_id: session.id.clone(), token };
        let store = &self.second_factor.store;
        store.write(move |db| sessions::insert(db, &session).map_err(Failure::from)).await?;
        Ok((user, opened))
    }

    /// Unknown user, wrong password and locked user cost the same and look the same.
    async fn check_password(&self, login: Login, client: &Client) -> Result<UserRow, Failure> {
        let parts = &self.second_factor;
        let named = if login.email.trim().is_empty() { &login.username } else { &login.email };
        let login_key: String = key(named).chars().take(254).collect();
        // Nobody has a control character in their name, and not every database takes them.
        let login_key = if login_key.contains(char::is_control) { String::new() } else { login_key };
        let password: String = login.password.chars().take(shared::password::LONGEST + 1).collect();
        let (id, now, limits) = (parts.random.id(), parts.clock.now(), parts.limits);
        let (attempt_id, address) = (id.clone(), client.neighbourhood.clone());
        let (user, subject) = parts
            .store
            .write(move |db| {
                let user = users::by_login(db, &login_key)?;
                let who = user.as_ref().map_or(login_key.as_str(), |user| &user.id);
                let subject = digest(&["password", who, &address]);
                let most = (limits.wrong_passwords, limits.lock);
                attempts::in_a_row(db, &attempt_id, (Kind::Password, &subject), most, now)?
                    .map_err(|wait| Refusal::TooMany { what: Counted::Passwords, wait })?;
                Ok::<_, Failure>((user, subject))
            })
            .await?;
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        let found = self.hasher.check(&Secret::new(password), stored).await;
        let Some(user) = user.filter(|_| found != Match::No) else {
            return Err(Refusal::WrongCredentials.into());
        };
        let row = user.clone();
        parts
            .store
            .write(move |db| {
                attempts::forget(db, (Kind::Password, &subject))?;
                if let Match::YesRehashed(newer) = found {
                    users::replace_hash(db, &row.id, &row.password_hash, &newer)?;
                }
                Ok::<_, Failure>(())
            })
            .await?;
        Ok(user)
    }

    fn new_session(&self, user_id: &str, token: &Token, rights: Rights) -> NewSession {
        let parts = &self.second_factor;
        let (now, lifetimes) = (parts.clock.now(), parts.lifetimes);
        let life = match rights {
            Rights::Pending => lifetimes.pending,
            Rights::Anonymous => lifetimes.idle,
            Rights::Proven | Rights::SignedIn => lifetimes.absolute,
        };
        NewSession {
            id: parts.random.id(),
            token_hash: token.hash(),
            user_id: Some(user_id.to_owned()),
            rights,
            created_at: now,
            seen_at: now,
            expires_at: now.plus(life),
        }
    }
}

/// What the provider says of a field is said of that field.
fn refused_field(error: ProviderError) -> Failure {
    let (field, problem) = match error {
        ProviderError::BadPhone | ProviderError::ChannelRefused => {
            ("phone", "This number cannot receive codes.")
        }
        ProviderError::BadEmail => ("email", "This e-mail is not accepted."),
        other => return other.into(),
    };
    Refusal::InvalidFields([(field, problem.to_owned())].into()).into()
}
