//! The store keeps to the session state machine, whatever happens in whatever order.

use diesel::{Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use diesel_migrations::MigrationHarness;
use proptest::{prelude::*, test_runner::TestRunner};
use tempfile::TempDir;

use super::{
    db::{Db, MIGRATIONS_SQLITE},
    session_factors,
    sessions::{self, NewSession},
    users::{self, FactorPassed, NewUserRow, PhoneVerification},
};
use crate::domain::{
    clock::Timestamp,
    factor::Method,
    ids::{Random, SessionId, Token, UserId},
    phone::Phone,
    session::{Origin, Progress, State},
};

const SESSIONS: usize = 4;
const USERS: usize = 2;
const LATER: Timestamp = Timestamp(i64::MAX / 2);

/// What is thrown at the store.
#[derive(Debug, Clone, Copy)]
enum Command {
    /// A session of a user, or of nobody, starts.
    Begin { slot: usize, user: usize, origin: Origin },
    /// A factor passes in a session, as by a code or an approved request.
    FactorPassed { slot: usize, method: Method },
    /// A session gets a new token; `stale` tries it with a token that is dead.
    Rotate { slot: usize, stale: bool },
    /// A session ends.
    End { slot: usize },
}

fn any_command() -> impl Strategy<Value = Command> {
    let origin = prop_oneof![Just(Origin::SignUp), Just(Origin::Password), Just(Origin::NumberVerification)];
    let method =
        prop_oneof![Just(Method::Push), Just(Method::Sms), Just(Method::App), Just(Method::Authenticator)];
    prop_oneof![
        2 => (0..SESSIONS, 0..USERS, origin)
            .prop_map(|(slot, user, origin)| Command::Begin { slot, user, origin }),
        3 => (0..SESSIONS, method).prop_map(|(slot, method)| Command::FactorPassed { slot, method }),
        3 => (0..SESSIONS, any::<bool>()).prop_map(|(slot, stale)| Command::Rotate { slot, stale }),
        1 => (0..SESSIONS).prop_map(|slot| Command::End { slot }),
    ]
}

/// A session the test knows about.
struct Known {
    id: SessionId,
    token: Token,
    user: Option<UserId>,
}

/// The database and what the test knows of it.
struct World {
    db: Db,
    users: Vec<UserId>,
    slots: [Option<Known>; SESSIONS],
    now: Timestamp,
}

impl World {
    fn new(db: Db) -> Self {
        let mut world = Self { db, users: Vec::new(), slots: [const { None }; SESSIONS], now: Timestamp(1) };
        for number in 0..USERS {
            let user = NewUserRow {
                id: UserId::new(Random::system()),
                full_name: "Ada".into(),
                username: None,
                username_key: None,
                email: format!("ada{number}@example.com"),
                email_key: UserId::new(Random::system()).as_str().to_owned(),
                password_hash: String::new(),
                phone: Phone::new(shared::phone::PhoneNumber::read_e164("+447700900123").expect("a number")),
                created_at: world.now,
                unverified_since: None,
            };
            users::insert(&mut world.db, &user).expect("a user");
            world.users.push(user.id);
        }
        world
    }

    fn run(&mut self, command: Command) {
        self.now = Timestamp(self.now.0 + 1);
        match command {
            Command::Begin { slot, user, origin } => self.begin(slot, user, origin),
            Command::FactorPassed { slot, method } => self.factor_passed(slot, method),
            Command::Rotate { slot, stale } => self.rotate(slot, stale),
            Command::End { slot } => {
                if let Some(known) = self.slots[slot].take() {
                    sessions::delete(&mut self.db, &known.id).expect("it ends");
                }
            }
        }
    }

    fn begin(&mut self, slot: usize, user: usize, origin: Origin) {
        let user = (origin != Origin::NumberVerification).then(|| self.users[user].clone());
        // Only the account that was just made is signed in by a sign-up: its phone is unverified.
        if origin == Origin::SignUp && user.as_ref().is_some_and(|user| self.is_verified(user)) {
            return;
        }
        let token = Token::new(Random::system());
        let session = NewSession {
            id: SessionId::new(Random::system()),
            token_hash: token.hash(),
            user_id: user.clone(),
            state: Progress::begin(origin).state,
            origin,
            created_at: self.now,
            seen_at: self.now,
            expires_at: LATER,
            cookie_only: false,
            address_key: String::new(),
            device_id: None,
            browser: String::new(),
            address: String::new(),
            factor: None,
            factor_at: None,
        };
        sessions::insert(&mut self.db, &session).expect("a session");
        self.slots[slot] = Some(Known { id: session.id, token, user });
    }

    /// As [`Context::factor_passed`](crate::services::Context) does it.
    fn factor_passed(&mut self, slot: usize, method: Method) {
        let Some(Known { id, user: Some(user), .. }) = &self.slots[slot] else { return };
        let verifies_phone = method.verifies_phone();
        let noted =
            FactorPassed { users: &[user], method, clears_lock: true, verifies_phone, accounts_per_phone: 0 };
        let phone = users::factor_passed(&mut self.db, noted, self.now).expect("noted");
        session_factors::factor_passed(&mut self.db, &[id], method, LATER, self.now).expect("noted");
        if phone.get(user) == Some(&PhoneVerification::First) {
            session_factors::phone_verified_elsewhere(&mut self.db, user, LATER).expect("noted");
        }
    }

    fn rotate(&mut self, slot: usize, stale: bool) {
        let Some(known) = &mut self.slots[slot] else { return };
        let old = if stale { Token::sent("dead").hash() } else { known.token.hash() };
        let new = Token::new(Random::system());
        if sessions::rotate(&mut self.db, &known.id, &old, &new.hash()).expect("a statement") {
            assert!(!stale, "a dead token was rotated");
            known.token = new;
        }
    }

    fn is_verified(&mut self, user: &UserId) -> bool {
        users::by_id(&mut self.db, user).expect("a query").is_some_and(|user| user.is_phone_verified())
    }

    fn check(&mut self, command: Command) {
        for slot in 0..SESSIONS {
            let Some(Known { id, user, .. }) = &self.slots[slot] else { continue };
            let (id, user) = (id.clone(), user.clone());
            let progress = sessions::progress(&mut self.db, &id).expect("a query").expect("it lives");
            let verified = user.as_ref().is_some_and(|user| self.is_verified(user));
            assert!(progress.is_justified(verified), "{command:?} led to {progress:?}");
            if user.is_none() {
                assert_eq!(progress.state, State::Anonymous, "{command:?}");
            }
        }
    }
}

fn migrated(folder: &TempDir) -> Db {
    let file = folder.path().join("sessions.db").display().to_string();
    let mut db = SqliteConnection::establish(&file).expect("a file can be made");
    db.batch_execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY")
        .expect("settings");
    db.run_pending_migrations(MIGRATIONS_SQLITE).expect("up");
    Db::Sqlite(db)
}

/// The number of sequences is set by `PROPTEST_CASES`.
#[test]
fn signed_in_always_implies_a_factor_or_a_sign_up_with_an_unverified_phone() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
    let folder = TempDir::new().expect("a temporary folder");
    let database = std::cell::RefCell::new(Some(migrated(&folder)));
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let commands = prop::collection::vec(any_command(), 1..60);
    let outcome = runner.run(&commands, |commands| {
        let mut db = database.borrow_mut().take().unwrap_or_else(|| migrated(&folder));
        diesel::sql_query("BEGIN").execute(&mut db).expect("a transaction");
        let mut world = World::new(db);
        for command in commands {
            world.run(command);
            world.check(command);
        }
        diesel::sql_query("ROLLBACK").execute(&mut world.db).expect("rolled back");
        *database.borrow_mut() = Some(world.db);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
