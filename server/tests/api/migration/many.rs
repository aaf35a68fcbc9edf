//! Thousands of people move while they sign in, and the command is killed on the way.

use std::{collections::HashMap, process::Stdio, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use reqwest::Client;
use serde_json::{Value, json};
use server::{
    domain::{
        clock::{Clock, Timestamp},
        factor::{Enrolment, FactorKind, FactorState, ProviderAccount, ProviderUser},
        ids::{FactorId, Random, UserId},
        phone::Phone,
    },
    store::{
        StoreError, enrolments,
        factors::{self, NewFactor},
        users::{self, NewUserRow},
    },
};
use shared::phone::PhoneNumber;

use super::{adds_up, command, count, migrate, person, sign_in, start, switch};
use crate::app::{PASSWORD, TestApp};

/// 2,000 people at Authy, as an import leaves them: unverified phones of their own, two hundred with an authenticator
/// there, fifty who have approved a request today.
async fn make_people(app: &TestApp, url: &str, many: u32) -> Vec<String> {
    let account = {
        let ada = app.register().await;
        let email = ada.email.clone();
        let store = app.store();
        let read = store.read(move |db| {
            let user = users::by_login(db, &email)?.expect("the user exists");
            enrolments::current(db, &user.id).map_err(StoreError::from)
        });
        read.await.unwrap().expect("enrolled").account
    };
    let http = Client::new();
    let enrolled: Vec<(u32, String)> = stream::iter(1..many)
        .map(|number| {
            let (http, url) = (http.clone(), url.to_owned());
            async move {
                let body = json!({"user": {
                    "email": format!("person{number}@example.com"),
                    "cellphone": format!("77009{number:05}"), "country_code": "44",
                }});
                let call = http.post(format!("{url}/protected/json/users/new"));
                let call = call.query(&[("api_key", sandbox::API_KEY)]).json(&body);
                let answer: Value = call.send().await.unwrap().json().await.unwrap();
                (number, answer["user"]["id"].to_string())
            }
        })
        .buffer_unordered(8)
        .collect()
        .await;
    let (hash, now) = (bcrypt::hash(PASSWORD, 4).unwrap(), app.clock.now());
    app.store()
        .write(move |db| {
            for (number, provider_user) in enrolled {
                insert(db, &account, number, &provider_user, &hash, now)?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    (0..many).map(|number| format!("person{number}@example.com")).collect()
}

fn insert(
    db: &mut server::store::Db,
    account: &ProviderAccount,
    number: u32,
    provider_user: &str,
    hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    use diesel::RunQueryDsl;
    let id = UserId::new(Random::system());
    let email = format!("person{number}@example.com");
    let phone = PhoneNumber::from_e164(&format!("+4477009{number:05}")).expect("a number");
    users::insert(
        db,
        &NewUserRow {
            id: id.clone(),
            full_name: "Ada Lovelace".to_owned(),
            username: None,
            username_key: None,
            email_key: email.clone(),
            email,
            password_hash: hash.to_owned(),
            phone: Phone::new(phone),
            created_at: now,
            unverified_since: Some(now),
        },
    )?;
    let at = Enrolment { account: account.clone(), user: ProviderUser::from_text(provider_user) };
    let phone = NewFactor::phone(FactorId::new(Random::system()), id.clone(), at, None, now);
    if number.is_multiple_of(10) {
        let factor = NewFactor {
            id: FactorId::new(Random::system()),
            kind: FactorKind::ProviderAuthenticator,
            state: FactorState::Active,
            ..phone.clone()
        };
        factors::insert(db, &factor)?;
    }
    factors::insert(db, &phone)?;
    if number % 40 == 7 {
        let change = format!("UPDATE factors SET last_push_at = {} WHERE user_id = '{id}'", now.0);
        diesel::sql_query(change).execute(db)?;
    }
    Ok(())
}

/// How often each kind of enrolment is there, by provider and state.
async fn enrolled(app: &TestApp) -> HashMap<(String, String), i64> {
    use diesel::{
        QueryableByName, RunQueryDsl,
        sql_types::{BigInt, Text},
    };
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        provider: String,
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = "SELECT substr(provider_account, 1, 5) AS provider, \
        CASE state WHEN 'removed' THEN 'removed' ELSE 'in use' END AS state, COUNT(*) AS count \
        FROM factors WHERE kind = 'phone' GROUP BY 1, 2";
    let store = app.store();
    let rows = store.read(move |db| diesel::sql_query(query).load::<Row>(db).map_err(StoreError::from));
    rows.await
        .unwrap()
        .into_iter()
        .map(|row| ((row.provider.trim().to_owned(), row.state), row.count))
        .collect()
}

/// The authenticators in use, by their kind.
async fn authenticators(app: &TestApp) -> Vec<(String, i64)> {
    use diesel::{
        QueryableByName, RunQueryDsl,
        sql_types::{BigInt, Text},
    };
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = "SELECT kind, COUNT(*) AS count FROM factors \
        WHERE kind IN ('authenticator', 'provider_authenticator') AND state = 'active' GROUP BY kind ORDER BY kind";
    let store = app.store();
    let rows = store.read(move |db| diesel::sql_query(query).load::<Row>(db).map_err(StoreError::from));
    rows.await.unwrap().into_iter().map(|row| (row.kind, row.count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_people_move_while_they_sign_in_and_the_command_is_killed_ten_times() {
    const PEOPLE: u32 = 2000;
    const KILLS: u32 = 10;
    let (sandbox, mut app) = start(&Arc::new(Clock::machine())).await;
    let emails = make_people(&app, &sandbox.url(), PEOPLE).await;
    switch(&mut app, "verify").await;
    let moved_by_hand = tokio::sync::Notify::new();
    let words = ["migrate", "authy", "--to", "verify", "--batch", "50"];
    let signing_in = async {
        let mut signed_in = 0;
        for round in 0.. {
            // Far apart, so that they meet the command everywhere.
            let at = (round * 617) % PEOPLE;
            sign_in(&app, &person(&app, &emails[at as usize], at)).await;
            signed_in += 1;
            if tokio::time::timeout(Duration::ZERO, moved_by_hand.notified()).await.is_ok() {
                break;
            }
        }
        signed_in
    };
    let moving = async {
        for kill in 0..KILLS {
            let mut child = command(&app, &words)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program runs");
            let before = enrolled(&app).await[&("authy".to_owned(), "in use".to_owned())];
            // Killed somewhere in the middle: as soon as it has moved somebody, a little later each time.
            app.wait_until("the command has moved somebody", async || {
                let now = enrolled(&app).await[&("authy".to_owned(), "in use".to_owned())];
                now < before - i64::from(kill * 4)
            })
            .await;
            child.kill().expect("it runs still");
            child.wait().unwrap();
        }
        let ended = migrate(&app, &words).await;
        moved_by_hand.notify_one();
        ended
    };
    let (signed_in, (report, told, _)) = tokio::join!(signing_in, moving);
    assert!(signed_in > 20, "{signed_in} people signed in meanwhile");
    adds_up(&report);
    assert_eq!(count(&report, "users"), u64::from(PEOPLE));
    assert_eq!(report["stay"], json!({"uses_push": 50}), "{told}");
    let in_all = |now: &HashMap<(String, String), i64>, provider: &str, state: &str| {
        now.get(&(provider.to_owned(), state.to_owned())).copied().unwrap_or_default()
    };
    let now = enrolled(&app).await;
    // Everybody is somewhere, and nobody was moved twice.
    assert_eq!(in_all(&now, "verif", "in use"), i64::from(PEOPLE) - 50, "{now:?}");
    assert_eq!(in_all(&now, "authy", "in use"), 50, "{now:?}");
    assert_eq!(in_all(&now, "authy", "removed"), i64::from(PEOPLE) - 50, "{now:?}");
    assert_eq!(in_all(&now, "verif", "removed"), 0, "{now:?}");
    // Each authenticator came along once.
    assert_eq!(authenticators(&app).await, [("authenticator".to_owned(), i64::from(PEOPLE / 10 - 1))]);
    let (report, told, _) = migrate(&app, &["migrate", "authy", "--to", "verify", "--with-push"]).await;
    adds_up(&report);
    assert_eq!((count(&report, "moved"), &report["stay"]), (50, &json!({})), "{told}");
    // And back.
    switch(&mut app, "authy").await;
    let (report, told, _) = migrate(&app, &["migrate", "verify", "--to", "authy"]).await;
    adds_up(&report);
    assert_eq!(
        (count(&report, "moved"), count(&report, "users")),
        (u64::from(PEOPLE), u64::from(PEOPLE)),
        "{told}"
    );
    let now = enrolled(&app).await;
    assert_eq!(in_all(&now, "authy", "in use"), i64::from(PEOPLE), "{now:?}");
    for at in [0, 7, 10, 1999] {
        sign_in(&app, &person(&app, &emails[at], u32::try_from(at).unwrap())).await;
    }
}
