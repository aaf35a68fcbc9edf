//! What becomes of authenticators that Authy has enrolled, when their owners move.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use server::domain::clock::{Clock, Timestamp};
use shared::routes;

use super::{
    adds_up, count, enrol_at_authy, enrolment, exported, last_push, migrate, person, sign_in, start, switch,
};
use crate::totp::totp;

/// A code of an authenticator at Authy is one of the app that shows it, until the sign-in that began there has ended; one
/// that its owner has removed opens nothing, also not in a session that is older than that.
#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_at_authy_ends_a_sign_in_that_began_there_but_not_once_its_owner_has_removed_it() {
    let (sandbox, mut app) = start(&Arc::new(Clock::machine())).await;
    let url = sandbox.url();
    let (moving, removing, own, at) = {
        let (ada, grace) = (app.register().await, app.register().await);
        let (own, at) = (enrol_at_authy(&app, &ada).await, enrol_at_authy(&app, &grace).await);
        let moving = ada.log_in().await.0.token.unwrap();
        let pending = grace.log_in().await.0.token.unwrap();
        let owner = sign_in(&app, &grace).await;
        let factors = owner.get(routes::FACTORS).await.ok()["factors"].as_array().unwrap().clone();
        let app_of_grace = factors.iter().find(|factor| factor["kind"] == "authenticator").expect("listed");
        owner.delete(&routes::FACTOR.replace("{id}", app_of_grace["id"].as_str().unwrap())).await.ok();
        (moving, pending, own, at)
    };
    switch(&mut app, "verify").await;
    let disabled =
        json!({"message": "Migration tools are disabled", "success": false, "error_code": "60154"});
    let secret = exported(&url, &own).await;
    app.inject_fault(json!({"path": "/protected/json/users", "status": 403, "body": disabled})).await;
    let (report, told, _) = migrate(&app, &["migrate", "authy", "--to", "verify", "--with-push"]).await;
    assert_eq!(report["authenticators"], json!({"not_exported": 1}), "{told}");
    app.call_sandbox(Method::DELETE, "/faults", json!({})).await;
    let removed = exported(&url, &at).await;
    app.bearer(&removing).verify(removed["otp"].as_str().unwrap()).await.refused(401, "wrong_code");
    app.bearer(&moving).verify(secret["otp"].as_str().unwrap()).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_that_was_removed_after_it_came_along_opens_nothing_in_sessions_that_are_older() {
    let (sandbox, mut app) = start(&Arc::new(Clock::machine())).await;
    let url = sandbox.url();
    let (email, at, signed_in, pending) = {
        let ada = app.register().await;
        let at = enrol_at_authy(&app, &ada).await;
        let (signed_in, pending) = (sign_in(&app, &ada).await, ada.log_in().await.0);
        (ada.email.clone(), at, signed_in.token.unwrap(), pending.token.unwrap())
    };
    switch(&mut app, "verify").await;
    let (report, told, _) = migrate(&app, &["migrate", "authy", "--to", "verify", "--with-push"]).await;
    assert_eq!(report["authenticators"], json!({"moved": 1}), "{told}");
    let ada = person(&app, &email, 0);
    let session = sign_in(&app, &ada).await;
    let factors = session.get(routes::FACTORS).await.ok()["factors"].as_array().unwrap().clone();
    let moved = factors.iter().find(|factor| factor["kind"] == "authenticator").expect("listed");
    session.delete(&routes::FACTOR.replace("{id}", moved["id"].as_str().unwrap())).await.ok();
    let code = exported(&url, &at).await["otp"].as_str().unwrap().to_owned();
    for older in [&signed_in, &pending] {
        app.bearer(older).verify(&code).await.refused(401, "wrong_code");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_comes_along_where_nobody_shares_it_and_its_owner_is_invited_otherwise() {
    let (sandbox, mut app) = start(&Arc::new(Clock::machine())).await;
    let url = sandbox.url();
    let (emails, own, shared) = {
        let (ada, grace) = (app.register().await, app.register().await);
        let mut joan = app.unregistered_person();
        joan.phone.clone_from(&grace.phone);
        app.client().post(routes::USER, joan.form()).await.ok();
        let own = enrol_at_authy(&app, &ada).await;
        let shared = enrol_at_authy(&app, &grace).await;
        // The authenticator is used at Authy a moment before it moves.
        let code = exported(&url, &own).await["otp"].as_str().unwrap().to_owned();
        ada.log_in().await.0.verify(&code).await.ok();
        (vec![ada.email.clone(), grace.email.clone(), joan.email.clone()], own, shared)
    };
    switch(&mut app, "verify").await;
    let before = app.provider_calls().await.len();
    let (report, told, log) = migrate(&app, &["migrate", "authy", "--to", "verify", "--dry-run"]).await;
    assert_eq!(app.provider_calls().await.len(), before, "a dry run asks no provider");
    assert_eq!((count(&report, "moved"), &report["dryRun"]), (3, &json!(true)), "{told}");
    let (report, told, log_of_move) = migrate(&app, &["migrate", "authy", "--to", "verify"]).await;
    adds_up(&report);
    assert_eq!(count(&report, "moved"), 3, "a dry run has moved nobody");
    assert_eq!(report["authenticators"], json!({"moved": 1, "shared": 1}), "{told}");
    assert!(!log.contains("provider_changed"), "{log}");
    assert_eq!(log_of_move.matches("provider_changed").count(), 3, "{log_of_move}");
    // Ada's app goes on working; the code it has just shown does not.
    let (ada, grace) = (person(&app, &emails[0], 0), person(&app, &emails[1], 1));
    let secret = exported(&url, &own).await;
    let code_in =
        |steps: i64| totp(secret["secret"].as_str().unwrap(), Timestamp(app.clock.now().0 + steps * 30_000));
    let login = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    let session = app.bearer(login["token"].as_str().unwrap());
    session.verify(&code_in(0)).await.refused(401, "wrong_code");
    session.verify(&code_in(1)).await.ok();
    assert!(session.get(routes::USER).await.ok()["authenticatorLost"].is_null());
    // Grace shares her number with Joan: whose secret it is nobody knows.
    let secret = exported(&url, &shared).await;
    let login = app.client().post(routes::SESSION, grace.credentials()).await.ok();
    let session = app.bearer(login["token"].as_str().unwrap());
    session.verify(secret["otp"].as_str().unwrap()).await.refused(401, "wrong_code");
    session.verify(&grace.code().await).await.ok();
    let user = session.get(routes::USER).await.ok();
    assert_eq!((&user["authenticator"], &user["authenticatorLost"]), (&json!(false), &json!("shared")));
    session.delete(routes::AUTHENTICATOR_INVITATION).await.ok();
    assert!(session.get(routes::USER).await.ok()["authenticatorLost"].is_null());
}

/// Moved one after the other, the second of two who share a number looks as if she had always been alone.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_shared_a_number_is_remembered_when_the_other_has_moved() {
    for both_have_authenticators in [true, false] {
        shared_with_one_who_moves_first(both_have_authenticators).await;
    }
}

async fn shared_with_one_who_moves_first(both_have_authenticators: bool) {
    let (_sandbox, mut app) = start(&Arc::new(Clock::machine())).await;
    {
        let grace = app.register().await;
        let mut joan = app.unregistered_person();
        joan.phone.clone_from(&grace.phone);
        app.client().post(routes::USER, joan.form()).await.ok();
        enrol_at_authy(&app, &grace).await;
        if both_have_authenticators {
            enrol_at_authy(&app, &joan).await;
        }
        last_push(&app, &grace, app.clock.now()).await;
    }
    switch(&mut app, "verify").await;
    let (first, ..) = migrate(&app, &["migrate", "authy", "--to", "verify"]).await;
    let of_joan = if both_have_authenticators { json!({"shared": 1}) } else { json!({}) };
    assert_eq!((first["authenticators"].clone(), count(&first, "moved")), (of_joan, 1));
    let (second, ..) = migrate(&app, &["migrate", "authy", "--to", "verify", "--with-push"]).await;
    assert_eq!((second["authenticators"].clone(), count(&second, "moved")), (json!({"shared": 1}), 1));
}

/// The password alone is no reason to take somebody's authenticator away.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_moves_nobody_whose_authenticator_would_stay_behind() {
    let (_sandbox, mut app) = start(&Arc::new(Clock::machine())).await;
    let emails = {
        let (grace, ada) = (app.register().await, app.register().await);
        let mut joan = app.unregistered_person();
        joan.phone.clone_from(&grace.phone);
        app.client().post(routes::USER, joan.form()).await.ok();
        enrol_at_authy(&app, &grace).await;
        enrol_at_authy(&app, &ada).await;
        [grace.email.clone(), ada.email.clone()]
    };
    switch(&mut app, "verify").await;
    let (grace, ada) = (person(&app, &emails[0], 0), person(&app, &emails[1], 1));
    app.client().post(routes::SESSION, grace.credentials()).await.ok();
    assert!(enrolment(&app, &grace).await.starts_with("authy "), "she shares her number");
    let disabled =
        json!({"message": "Migration tools are disabled", "success": false, "error_code": "60154"});
    app.inject_fault(json!({"path": "/protected/json/users", "status": 403, "body": disabled, "times": 1}))
        .await;
    app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert!(enrolment(&app, &ada).await.starts_with("authy "), "her secret is not exported");
    // A code that is not the one the secret has by our clock: its app would be refused here.
    let wrong = json!({"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "otp": "000000", "success": true});
    app.inject_fault(json!({"path": "/protected/json/users", "status": 200, "body": wrong, "times": 2}))
        .await;
    app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert!(enrolment(&app, &ada).await.starts_with("authy "), "the code differs");
    app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert!(enrolment(&app, &ada).await.starts_with("verify "), "her secret came along");
}
