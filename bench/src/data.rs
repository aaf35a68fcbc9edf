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
        Db, Store, StoreError, approval_polls,
        approvals::{self, AtProvider, NewApproval},
        enrolments,
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
    user: UserId,
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
        let at = enrolments::current(db, &user.id)?.ok_or(StoreError::UnknownKind)?;
        Ok((user, at))
    });
    let model = Arc::new(found.await?);
    let mut people: Vec<Waiting> = (0..count).map(|_| new()).collect();
    in_transactions(&store, &people, &model, insert_user).await?;
    // People don't sign in in the order of their accounts; tokens are random.
    people.sort_by(|one, other| one.token.cmp(&other.token));
    in_transactions(&store, &people, &model, insert_session).await?;
    // As of everybody who signs in for the second time.
    let verified = "UPDATE users SET phone_verified_at = created_at WHERE phone_verified_at IS NULL";
    store.write(move |db| sql_query(verified).execute(db).map(drop).map_err(StoreError::from)).await?;
    // As `pgbench` does: otherwise what cleans up after the filling would run beside what is measured.
    let vacuumed = store.read(|db| match db {
        Db::Sqlite(_) => Ok(()),
        Db::Postgres(db) => sql_query("VACUUM ANALYZE").execute(db).map(drop).map_err(StoreError::from),
    });
    vacuumed.await?;
    Ok(people)
}

/// A user and their enrolment, whose likes are inserted.
type Model = (UserRow, Enrolment);
type Insert = fn(&mut Db, &Model, &Waiting) -> std::result::Result<(), StoreError>;

async fn in_transactions(
    store: &Store,
    people: &[Waiting],
    model: &Arc<Model>,
    insert: Insert,
) -> Result<()> {
    for batch in people.chunks(PER_TRANSACTION) {
        let (model, batch) = (Arc::clone(model), batch.to_vec());
        store.write(move |db| batch.iter().try_for_each(|person| insert(db, &model, person))).await?;
    }
    Ok(())
}

fn new() -> Waiting {
    let random = Random::system();
    let digits = u64::from_le_bytes(random.bytes()) % 1_000_000_000_000;
    Waiting {
        user: UserId::new(random),
        token: Token::new(random).reveal().to_owned(),
        reference: random.id(),
        // Longer than those of the sandbox, which are other people's.
        provider_user: format!("9{digits:012}"),
        phone: Phone::new(
            PhoneNumber::from_e164(&format!("+447{:09}", digits % 1_000_000_000)).expect("a number"),
        ),
    }
}

fn insert_user(db: &mut Db, (like, at): &Model, person: &Waiting) -> std::result::Result<(), StoreError> {
    let now = Clock::machine().now();
    users::insert(db, &new_user(like, &person.user, &person.phone, now))?;
    let at = enrolment(at, person);
    let phone = NewFactor::phone(FactorId::new(Random::system()), person.user.clone(), at, Some(now), now);
    Ok(factors::insert(db, &phone)?)
}

fn enrolment(like: &Enrolment, person: &Waiting) -> Enrolment {
    Enrolment { user: ProviderUser::from_text(&person.provider_user), ..like.clone() }
}

fn insert_session(db: &mut Db, (_, at): &Model, person: &Waiting) -> std::result::Result<(), StoreError> {
    let (random, now) = (Random::system(), Clock::machine().now());
    let at = enrolment(at, person);
    let session = SessionId::new(random);
    sessions::insert(
        db,
        &NewSession {
            id: session.clone(),
            token_hash: Token::sent(&person.token).hash(),
            user_id: Some(person.user.clone()),
            state: State::Pending,
            origin: Origin::Password,
            created_at: now,
            seen_at: now,
            expires_at: now.plus(LIFETIME),
            cookie_only: false,
            address_key: String::new(),
            device_id: None,
            browser: String::new(),
            address: String::new(),
            factor: None,
            factor_at: None,
        },
    )?;
    let request = NewApproval {
        id: ApprovalId::new(random),
        user_id: person.user.clone(),
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
        number: None,
    };
    approvals::insert(db, &request)?;
    sessions::set_push(db, &session, Some(&request.id))?;
    let at = AtProvider { account: at.account, reference: person.reference.clone(), user: None };
    approvals::sent(db, &request.id, &at)?;
    approval_polls::begin(db, &request.id, now.plus(LIFETIME))?;
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
