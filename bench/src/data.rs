//! Rows that the measurements need and that the API would take hours to make: accounts, each with a pending
//! session and an approval request on its phone.

use std::{sync::Arc, time::Duration};

use diesel::{RunQueryDsl, sql_query};
use server::{
    domain::{
        approval::{ApprovalPurpose, ApprovalState},
        clock::{Clock, Timestamp},
        factor::{Enrolment, ProviderUser},
        ids::{ApprovalId, FactorId, Random, SessionId, Token, UserId},
        phone::Phone,
        session::{Origin, State},
    },
    store::{
        Db, Store, StoreError,
        approvals::{self, AtProvider, NewApproval},
        factors::{self, NewFactor},
        sessions::{self, NewSession},
        users::{self, NewUserRow, UserRow},
    },
};

use shared::phone::PhoneNumber;

use crate::Result;

const PER_TRANSACTION: usize = 1000;
/// Longer than any measurement: nothing expires meanwhile, and no provider is polled.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Somebody who waits for their phone.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// Of the session.
    pub(crate) token: String,
    /// The provider's reference of the approval request.
    pub(crate) reference: String,
    /// The provider's id of the user.
    pub(crate) provider_user: String,
    /// Their own: what is decided about a phone is decided for one at a time.
    phone: Phone,
}

/// Adds people like the account with this e-mail to a database.
pub(crate) async fn add(database: &str, like: &str, count: usize) -> Result<Vec<Waiting>> {
    let store = Store::new(database, 1, Duration::from_secs(60))?;
    let like = like.to_owned();
    let found = store.read(move |db| -> std::result::Result<_, StoreError> {
        let user = users::by_login(db, &like)?.ok_or(StoreError::UnknownKind)?;
        let at = factors::enrolment(db, &user.id)?.ok_or(StoreError::UnknownKind)?;
        Ok((user, at))
    });
    let model = Arc::new(found.await?);
    let mut people = Vec::with_capacity(count);
    while people.len() < count {
        let batch: Vec<Waiting> = (0..PER_TRANSACTION.min(count - people.len())).map(|_| new()).collect();
        let (model, rows) = (Arc::clone(&model), batch.clone());
        store
            .write(move |db| -> std::result::Result<(), StoreError> {
                rows.iter().try_for_each(|person| insert(db, &model.0, &model.1, person))
            })
            .await?;
        people.extend(batch);
    }
    // As of everybody who signs in for the second time.
    let verified = "UPDATE users SET phone_verified_at = created_at WHERE phone_verified_at IS NULL";
    store.write(move |db| sql_query(verified).execute(db).map(drop).map_err(StoreError::from)).await?;
    Ok(people)
}

fn new() -> Waiting {
    let random = Random::system();
    let digits = u64::from_le_bytes(random.bytes()) % 1_000_000_000_000;
    Waiting {
        token: Token::new(random).reveal().to_owned(),
        reference: random.id(),
        // Longer than those of the sandbox, which are other people's.
        provider_user: format!("9{digits:012}"),
        phone: Phone::new(
            PhoneNumber::from_e164(&format!("+447{:09}", digits % 1_000_000_000)).expect("a number"),
        ),
    }
}

fn insert(
    db: &mut Db,
    like: &UserRow,
    at: &Enrolment,
    person: &Waiting,
) -> std::result::Result<(), StoreError> {
    let (random, now) = (Random::system(), Clock::machine().now());
    let at = Enrolment { user: ProviderUser::from_text(&person.provider_user), ..at.clone() };
    let user = UserId::new(random);
    users::insert(db, &new_user(like, &user, &person.phone, now))?;
    let phone = NewFactor::phone(FactorId::new(random), user.clone(), at.clone(), Some(now), now);
    factors::insert(db, &phone)?;
    let session = SessionId::new(random);
    sessions::insert(
        db,
        &NewSession {
            id: session.clone(),
            token_hash: Token::sent(&person.token).hash(),
            user_id: Some(user.clone()),
            state: State::Pending,
            origin: Origin::Password,
            created_at: now,
            seen_at: now,
            expires_at: now.plus(LIFETIME),
            cookie_only: false,
            address_key: String::new(),
            device_id: None,
        },
    )?;
    let request = NewApproval {
        id: ApprovalId::new(random),
        user_id: user,
        session_id: Some(session.clone()),
        message: "Sign in to Countersign?".to_owned(),
        details: r#"{"Account":"ada@example.com","Browser":"Firefox on Linux","Number":"47"}"#.to_owned(),
        status: ApprovalState::Asking,
        created_at: now,
        expires_at: now.plus(LIFETIME),
        purpose: ApprovalPurpose::SignIn,
        data_digest: None,
        provider_account: at.account.clone(),
        provider_user: at.user.clone(),
        phone: person.phone.clone(),
        stranger: false,
        device_id: None,
    };
    approvals::insert(db, &request)?;
    sessions::set_push(db, &session, Some(&request.id))?;
    let at = AtProvider { account: at.account, reference: person.reference.clone(), user: None };
    approvals::sent(db, &request.id, &at, now.plus(LIFETIME))?;
    Ok(())
}

fn new_user(like: &UserRow, id: &UserId, phone: &Phone, now: Timestamp) -> NewUserRow {
    let email = format!("{id}@example.com");
    NewUserRow {
        id: id.clone(),
        full_name: like.full_name.clone(),
        username: None,
        username_key: None,
        email_key: email.clone(),
        email,
        password_hash: like.password_hash.clone(),
        phone: phone.clone(),
        created_at: now,
        unverified_since: None,
    }
}
