//! Webhooks that arrive while the database is busy share a transaction.

use std::sync::mpsc::{Sender, channel};

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use reqwest::StatusCode;
use server::store::{Db, StoreError};
use shared::routes;
use tokio::task::JoinHandle;

use crate::{
    app::{Response, TestApp},
    webhook::{Hook, app_without_webhooks},
};

/// Keeps everybody else from changing approval requests until it is dropped.
struct Held {
    release: Option<Sender<()>>,
    transaction: Option<JoinHandle<()>>,
}

impl Held {
    async fn hold(app: &TestApp) -> Self {
        let (store, (release, released), (holds, held)) =
            (app.store(), channel(), tokio::sync::oneshot::channel());
        let transaction = tokio::spawn(async move {
            let done = store.write(move |db| {
                sql_query("UPDATE approvals SET message = message").execute(db)?;
                holds.send(()).expect("somebody waits for it");
                released.recv().map_err(|_| StoreError::Busy)
            });
            done.await.expect("a transaction");
        });
        held.await.expect("the rows are held");
        Self { release: Some(release), transaction: Some(transaction) }
    }

    async fn release(mut self) {
        self.release.take().expect("it is held").send(()).expect("the transaction waits");
        self.transaction.take().expect("it runs").await.expect("it ends");
    }
}

/// Sends them all while the database is held, and returns the responses.
async fn send_together(app: &TestApp, hooks: &[&Hook]) -> Vec<Response> {
    let held = Held::hold(app).await;
    let sends = futures_util::future::join_all(hooks.iter().map(|hook| hook.send(app)));
    let release = async {
        // By now they have arrived: the server has answered later calls meanwhile.
        for _ in 0..50 {
            app.client().get(routes::HEALTHZ).await.ok();
        }
        held.release().await;
    };
    tokio::join!(sends, release).0
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_arrive_together_settle_each_its_own_request() {
    let app = app_without_webhooks().await;
    let mut people = Vec::new();
    for _ in 0..6 {
        let person = app.register().await;
        let (session, uuid) = person.log_in().await;
        let hook = Hook::for_request(&person, &uuid, "approved").await.with_nonce(&uuid);
        people.push((session, hook));
    }
    people[1].1.body["status"] = "denied".into();
    // Of two answers to one request one counts, and a replay changes nothing.
    let (again, mut late) = (people[0].1.clone(), people[2].1.clone().with_nonce("late"));
    late.body["status"] = "denied".into();
    // Somebody else's request, and nobody at all.
    let foreign_user = people[4].1.body["authy_id"].clone();
    people[3].1.body["authy_id"] = foreign_user;
    people[5].1.body["authy_id"] = 99.into();
    let mut hooks: Vec<&Hook> = people.iter().map(|(_, hook)| hook).collect();
    hooks.extend([&again, &late]);
    let responses = send_together(&app, &hooks).await;
    let codes: Vec<u16> = responses.iter().map(|response| response.status.as_u16()).collect();
    assert_eq!(codes, [200, 200, 200, 200, 200, 404, 200, 200]);
    let mut statuses = Vec::new();
    for (session, _) in &people {
        statuses.push(session.status().await);
    }
    assert_eq!(statuses[..2], ["approved", "denied"]);
    assert!(["approved", "denied"].contains(&statuses[2].as_str()), "{statuses:?}");
    assert_eq!(statuses[3..], ["pending", "approved", "pending"]);
    for (at, (session, _)) in people.iter().enumerate() {
        assert_eq!(session.is_signed_in().await, statuses[at] == "approved", "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_cannot_be_settled_keeps_no_other_back() {
    let app = app_without_webhooks().await;
    let mut people = Vec::new();
    for _ in 0..5 {
        let person = app.register().await;
        let (session, uuid) = person.log_in().await;
        let hook = Hook::for_request(&person, &uuid, "approved").await.with_nonce(&uuid);
        people.push((session, hook));
    }
    let broken = people[2].1.body["uuid"].as_str().unwrap().to_owned();
    let store = app.store();
    let spoil = store.write(move |db| {
        let statement = match db {
            Db::Sqlite(_) => format!(
                "CREATE TRIGGER broken BEFORE UPDATE OF status ON approvals WHEN NEW.reference = '{broken}'
                 BEGIN SELECT RAISE(ABORT, 'broken'); END"
            ),
            Db::Postgres(_) => format!(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     IF NEW.reference = '{broken}' THEN RAISE EXCEPTION 'broken'; END IF; RETURN NEW; END $$;
                 CREATE TRIGGER broken BEFORE UPDATE OF status ON approvals FOR EACH ROW EXECUTE FUNCTION broken()"
            ),
        };
        db.batch_execute(&statement).map_err(StoreError::from)
    });
    spoil.await.unwrap();
    let hooks: Vec<&Hook> = people.iter().map(|(_, hook)| hook).collect();
    let responses = send_together(&app, &hooks).await;
    for (at, ((session, _), response)) in people.iter().zip(responses).enumerate() {
        assert_eq!(response.status.is_success(), at != 2, "{at}: {}", response.status);
        assert_eq!(session.status().await, if at == 2 { "pending" } else { "approved" });
    }
    // Once it can be settled, the provider's next try is accepted.
    let repair = store.write(|db| {
        let on_table = if matches!(db, Db::Postgres(_)) { " ON approvals" } else { "" };
        db.batch_execute(&format!("DROP TRIGGER broken{on_table}")).map_err(StoreError::from)
    });
    repair.await.unwrap();
    assert_eq!(people[2].1.send(&app).await.status, StatusCode::OK);
    assert!(people[2].0.is_signed_in().await);
}
