//! A user's own sessions. Statement 11.

use serde_json::{Value, json};
use shared::routes;

use super::{Page, owner};
use crate::app::{ApiClient, TestApp};

async fn list(session: &ApiClient<'_>) -> Vec<Value> {
    session.get(routes::SESSIONS).await.ok()["sessions"].as_array().unwrap().clone()
}

fn path(id: &Value) -> String {
    routes::SESSIONS_ID.replace("{id}", id.as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_lists_and_ends_their_own_sessions_and_nobody_elses() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    app.advance(60);
    let page = Page::open(&app);
    page.sign_in(&ada).await;
    let (pending, _) = (app.client().post(routes::SESSION, ada.credentials()).await.ok(), ());
    let (_, stranger) = owner(&app).await;
    let listed = list(&session).await;
    // Besides the session of the sign-up, which needs its factor since the phone was verified.
    assert_eq!(listed.len(), 2, "pending ones are not signed in: {listed:?}");
    assert_eq!((&listed[0]["current"], &listed[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!((&listed[0]["factor"], &listed[1]["factor"]), (&json!("push"), &json!("push")));
    assert!(
        listed.iter().all(|entry| entry["address"] == "127.0.0.1" && entry["browser"] != ""),
        "{listed:?}"
    );
    assert!(listed.iter().all(|entry| !entry.to_string().contains("token")));

    stranger.delete(&path(&listed[1]["id"])).await.refused(404, "not_found");
    stranger.delete(&path(&json!("no-such-session"))).await.refused(404, "not_found");
    assert!(page.client.is_signed_in().await);
    session.delete(&path(&listed[1]["id"])).await.ok();
    page.get(routes::USER).await.refused(403, "not_signed_in");
    session.delete(&path(&listed[1]["id"])).await.refused(404, "not_found");
    // One's own as well.
    session.delete(&path(&listed[0]["id"])).await.ok();
    session.get(routes::USER).await.refused(403, "not_signed_in");
    let pending = app.bearer(pending["token"].as_str().unwrap());
    pending.get(routes::SESSIONS).await.refused(403, "second_factor_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_others_end_at_once_pending_ones_as_well() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let others = [ada.sign_in().await, ada.sign_in().await];
    let (pending, uuid) = ada.log_in().await;
    assert_eq!(session.delete(routes::SESSIONS).await.ok(), json!({"ended": 2}));
    for other in others {
        other.get(routes::USER).await.refused(403, "not_signed_in");
    }
    pending.get(routes::AUTHY_STATUS).await.refused(404, "no_session");
    app.answer_request(&uuid, "approve").await;
    pending.get(routes::USER).await.refused(403, "not_signed_in");
    assert!(session.is_signed_in().await);
    assert_eq!(session.delete(routes::SESSIONS).await.ok(), json!({"ended": 0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_a_session_that_is_ended_elsewhere_is_told() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let (pending, _) = ada.log_in().await;
    let waiting = async {
        let version = pending.get(routes::AUTHY_STATUS).await.ok()["version"].as_str().unwrap().to_owned();
        pending.get(&format!("{}?wait=55&since={version}", routes::AUTHY_STATUS)).await
    };
    let ending = async {
        app.wait_until("it is waited for", async || pending.get(routes::AUTHY_STATUS).await.status == 200)
            .await;
        session.delete(routes::SESSIONS).await.ok();
    };
    let (told, ()) = tokio::join!(waiting, ending);
    told.refused(404, "no_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_an_id_is_not_found() {
    let app = TestApp::spawn().await;
    let (_, session) = owner(&app).await;
    for odd in ["%00", "a%20b", "x", &"a".repeat(200)] {
        session.delete(&format!("{}/{odd}", routes::SESSIONS)).await.refused(404, "not_found");
        session.delete(&format!("/devices/{odd}")).await.refused(404, "not_found");
        session.delete(&format!("{}/{odd}", routes::FACTORS)).await.refused(404, "not_found");
        let answer = json!({"mine": false});
        session.post(&format!("/user/denied-sign-ins/{odd}"), answer).await.refused(404, "not_found");
    }
    session.get("/user/events?before=1.%00").await.refused(422, "invalid_fields");
}
