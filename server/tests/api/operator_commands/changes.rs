//! Finding accounts, and what is changed about them.

use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::routes;

use super::{app, done, events, id, run};
use crate::{
    account::{mail, owner},
    app::{ApiClient, Person, TestApp},
    migration::{sign_in, start, switch},
    totp::totp,
};

/// Adds an authenticator app; returns its id and its secret.
async fn add_authenticator(session: &ApiClient<'_>) -> (String, String) {
    let shown = session.post(routes::AUTHENTICATOR, json!({"name": "My phone"})).await.body;
    let (id, secret) =
        (shown["id"].as_str().unwrap().to_owned(), shown["secret"].as_str().unwrap().to_owned());
    let path = routes::AUTHENTICATOR_CONFIRM.replace("{id}", &id);
    session.post(&path, json!({"code": totp(&secret, session.app.clock.now())})).await.ok();
    (id, secret)
}

async fn make_recovery_codes(session: &ApiClient<'_>) -> String {
    let made = session.post(routes::RECOVERY_CODES, json!({})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.body["codes"][0].as_str().expect("a code").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_by_each_of_its_names_and_told_apart_from_others_with_its_phone() {
    let app = app().await;
    let (ada, session) = owner(&app).await;
    let (factor, _) = add_authenticator(&session).await;
    make_recovery_codes(&session).await;
    let mut form = app.unregistered_person().form();
    form["phone"] = json!(ada.phone);
    form["username"] = json!("grace");
    app.client().post(routes::USER, form).await.ok();
    let id = id(&ada).await;
    for named in [&ada.email, &ada.email.to_uppercase(), &id] {
        let told = done(&app, &["user", "find", named]).await;
        for line in [
            format!("id              {id}"),
            format!("email           {} (verified)", ada.email),
            "username        none".to_owned(),
            format!("phone           +44 {} {} (verified)", &ada.phone[..4], &ada.phone[4..]),
            "disabled        no".to_owned(),
            "codes locked    no".to_owned(),
            format!("factor          {factor} authenticator \"My phone\" (active)"),
            "recovery codes  10 left".to_owned(),
            "sessions        1".to_owned(),
            "remembered      0 browsers".to_owned(),
        ] {
            assert!(told.lines().any(|told| told == line), "{line:?} in {told}");
        }
        assert_eq!(told.matches("name  ").count(), 2, "name and username of one account: {told}");
    }
    let both = done(&app, &["user", "find", &format!("+44 {}", ada.phone)]).await;
    assert!(both.contains(&ada.email) && both.contains("username        grace"), "{both}");
    assert!(done(&app, &["user", "find", "grace"]).await.contains("(not verified)"));
    for nobody in ["nobody@example.com", "+44 7700 911111", "0123456789abcdef0123456789abcdef", "*"] {
        let (ok, told) = run(&app, &["user", "find", nobody]).await;
        assert!(!ok && told.trim() == "User not found", "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_and_without_yes_nothing_changes() {
    let app = app().await;
    let (ada, session) = owner(&app).await;
    let (factor, _) = add_authenticator(&session).await;
    make_recovery_codes(&session).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.csv");
    std::fs::write(&file, "full_name,email,password_hash,phone\n").unwrap();
    let (before, told) = (events(&app, &ada.email).await, done(&app, &["user", "find", &ada.email]).await);
    let (email, file) = (ada.email.as_str(), file.to_str().unwrap());
    let commands: [&[&str]; 8] = [
        &["user", "unlock", email],
        &["user", "end-sessions", email],
        &["user", "remove-factor", email, &factor],
        &["user", "remove-factor", email, "recovery-codes"],
        &["user", "disable", email],
        &["user", "enable", email],
        &["user", "delete", email],
        &["user", "import", file],
    ];
    for words in commands {
        let (ok, told) = run(&app, words).await;
        assert!(
            !ok && told.contains("stdin isn't a terminal") && told.contains("--yes"),
            "{words:?}: {told}"
        );
    }
    assert!(session.is_signed_in().await);
    assert_eq!(events(&app, &ada.email).await, before);
    assert_eq!(done(&app, &["user", "find", &ada.email]).await, told);
    for command in ["unlock", "end-sessions", "disable", "enable", "delete"] {
        let (ok, told) = run(&app, &["user", command, "nobody@example.com", "--yes"]).await;
        assert!(!ok && told.trim() == "User not found", "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlocked_account_takes_codes_and_recovery_codes_again() {
    let app = app().await;
    let (ada, session) = owner(&app).await;
    let (_, secret) = add_authenticator(&session).await;
    let recovery_code = make_recovery_codes(&session).await;
    let (pending, _) = ada.log_in().await;
    let right = totp(&secret, app.clock.now());
    let wrong = format!("{:06}", (right.parse::<u32>().unwrap() + 500_000) % 1_000_000);
    while pending.verify(&wrong).await.status != StatusCode::TOO_MANY_REQUESTS {}
    let recover = |code: &str| pending.post(routes::SESSION_RECOVER, json!({"code": code}));
    while recover("aaaaa-aaaaa-aaaaa").await.status != StatusCode::TOO_MANY_REQUESTS {}
    assert!(done(&app, &["user", "find", &ada.email]).await.contains("codes locked    until 20"));
    let told = done(&app, &["user", "unlock", &ada.email, "--yes"]).await;
    assert_eq!(told.trim(), format!("Unlocked Ada Lovelace <{}>", ada.email));
    assert!(done(&app, &["user", "find", &ada.email]).await.contains("codes locked    no"));
    assert_eq!(events(&app, &ada.email).await[0], "account_unlocked success");
    pending.verify(&wrong).await.refused(401, "wrong_code");
    recover("aaaaa-aaaaa-aaaaa").await.refused(401, "wrong_code");
    recover(&recovery_code).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_authenticator_and_removed_recovery_codes_open_nothing_and_their_owner_is_told() {
    let app = app().await;
    let (ada, session) = owner(&app).await;
    let (factor, secret) = add_authenticator(&session).await;
    let recovery_code = make_recovery_codes(&session).await;
    let remove = |factor: String| {
        let (app, email) = (&app, ada.email.clone());
        async move { run(app, &["user", "remove-factor", &email, &factor, "--yes"]).await }
    };
    let phone = session.get(routes::FACTORS).await.ok()["factors"][0]["id"].as_str().unwrap().to_owned();
    let (ok, told) = remove(phone).await;
    assert!(!ok && told.contains("the phone stays"), "{told}");
    let (ok, told) = remove("0123456789abcdef0123456789abcdef".to_owned()).await;
    assert!(!ok && told.contains("Factor not found"), "{told}");
    let (ok, told) = remove(factor.clone()).await;
    assert!(ok && told.trim() == "Removed authenticator \"My phone\"", "{told}");
    assert_eq!(events(&app, &ada.email).await[0], "factor_removed success");
    let letter = mail(&app, &ada.email, "Sign-in method removed").await;
    assert!(letter["text"].as_str().unwrap().contains("Authenticator app"), "{letter}");
    let (ok, told) = remove(factor).await;
    assert!(!ok && told.contains("Factor not found"), "{told}");
    let (ok, told) = remove("recovery-codes".to_owned()).await;
    assert!(ok && told.trim() == "Removed recovery codes", "{told}");
    let (ok, told) = remove("recovery-codes".to_owned()).await;
    assert!(ok && told.trim() == "Nothing changed", "{told}");
    let (pending, _) = ada.log_in().await;
    pending.verify(&totp(&secret, app.clock.now())).await.refused(401, "wrong_code");
    let recover = pending.post(routes::SESSION_RECOVER, json!({"code": recovery_code}));
    recover.await.refused(401, "wrong_code");
    assert!(session.is_signed_in().await, "removing a factor ends no session");
}

/// A server at Verify, and a sandbox outside of it.
async fn device_of<'a>(app: &'a TestApp, ada: &Person<'_>) -> (ApiClient<'a>, String) {
    let created = app.client().post(routes::USER, ada.form()).await.ok();
    let session = app.bearer(created["token"].as_str().expect("a token"));
    ada.verify_and_register_device(&session).await;
    let factors = session.get(routes::FACTORS).await.ok()["factors"].clone();
    let device =
        factors.as_array().unwrap().iter().find(|factor| factor["kind"] == "push").expect("a device");
    let id = device["id"].as_str().unwrap().to_owned();
    (session, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_removed_at_its_provider_first() {
    let (_sandbox, mut app) = start(&std::sync::Arc::new(server::domain::clock::Clock::machine())).await;
    switch(&mut app, "verify").await;
    let ada = app.unregistered_person();
    let (session, device) = device_of(&app, &ada).await;
    app.inject_fault(json!({"path": "/v2/Services", "status": 500, "body": {}})).await;
    let words = ["user", "remove-factor", &ada.email, &device, "--yes"];
    let (ok, told) = run(&app, &words).await;
    assert!(!ok && told.contains("the provider has not removed it"), "{told}");
    assert_eq!(events(&app, &ada.email).await[0], "factor_removed failed");
    app.call_sandbox(reqwest::Method::DELETE, "/faults", Value::Null).await;
    assert_eq!(done(&app, &words).await.trim(), "Removed device \"Ada's phone\"");
    let factors = session.get(routes::FACTORS).await.ok()["factors"].clone();
    assert!(factors.as_array().unwrap().iter().all(|factor| factor["kind"] != "push"), "{factors}");
    let login = app.client().post(routes::SESSION, ada.credentials()).await.ok();
    assert_eq!(login["authyResponse"]["via"], "sms", "there is nobody to ask any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_printed_newest_first_from_a_day_on_and_as_json() {
    let app = app().await;
    let ada = app.register().await;
    sign_in(&app, &ada).await;
    let all = done(&app, &["events", "--user", &ada.email]).await;
    let lines: Vec<&str> = all.lines().collect();
    assert!(lines.last().is_some_and(|line| line.contains("  sign_up  ")), "{all}");
    let signed_in = lines.iter().find(|line| line.contains("  signed_in  ")).expect("a sign-in");
    assert!(signed_in.contains("push") && signed_in.ends_with("127.0.0.1"), "{all}");
    assert!(lines.windows(2).all(|pair| pair[0][..20] >= pair[1][..20]), "{all}");
    let (today, tomorrow) =
        (app.clock.now(), app.clock.now().plus(std::time::Duration::from_secs(24 * 3600)));
    let since = |at: server::domain::clock::Timestamp| at.to_rfc3339()[..10].to_owned();
    let json = done(&app, &["events", "--user", &id(&ada).await, "--since", &since(today), "--json"]).await;
    let told: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), lines.len());
    let signed_in = told.iter().find(|event| event["kind"] == "signed_in").expect("a sign-in");
    assert_eq!((&signed_in["factor"], &signed_in["address"]), (&json!("push"), &json!("127.0.0.1")));
    assert_eq!(done(&app, &["events", "--user", &ada.email, "--since", &since(tomorrow)]).await, "");
    let (ok, told) = run(&app, &["events", "--user", "nobody"]).await;
    assert!(!ok && told.trim() == "User not found", "{told}");
}
