//! Login with a password.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::{
    app::{PASSWORD, TestApp},
    providers::{TestProvider, for_each_provider},
};

for_each_provider!(
    a_correct_password_starts_a_pending_session_without_access,
    email_and_username_are_accepted_in_either_field,
);

async fn a_correct_password_starts_a_pending_session_without_access(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    assert_eq!(session.status().await, "pending");
    session.get(routes::USER).await.refused(403, "second_factor_required");
    session.post(routes::SESSION_CONTINUE, json!({})).await.refused(409, "not_approved");
    // This does not change while another session of the user is signed in.
    ada.sign_in().await;
    session.get(routes::USER).await.refused(403, "second_factor_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_user_and_wrong_password_get_the_same_response() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let wrong = json!({"email": ada.email, "password": "not the password"});
    let unknown = json!({"email": "nobody@example.com", "password": "not the password"});
    let wrong = app.client().post(routes::SESSION, wrong).await;
    let unknown = app.client().post(routes::SESSION, unknown).await;
    assert_eq!(wrong.text, unknown.text);
    wrong.refused(403, "wrong_credentials");
    unknown.refused(403, "wrong_credentials");
}

async fn email_and_username_are_accepted_in_either_field(provider: TestProvider) {
    let app = TestApp::spawn_at(provider, &[]).await;
    let ada = app.unregistered_person();
    let mut form = ada.form();
    form["username"] = json!("Countess");
    app.client().post(routes::USER, form).await.ok();
    for login in [
        json!({"email": ada.email.to_uppercase(), "password": PASSWORD}),
        json!({"username": ada.email, "password": PASSWORD}),
        json!({"email": "countess", "password": PASSWORD}),
        json!({"username": "COUNTESS", "password": PASSWORD}),
    ] {
        app.client().post(routes::SESSION, login).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_character_of_a_password_is_significant() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let long = "🔐 a sentence of two hundred characters ".repeat(6).chars().take(199).collect::<String>();
    let mut form = ada.form();
    form["password"] = json!(format!("{long}a"));
    app.client().post(routes::USER, form).await.ok();
    let login = |password: String| json!({"email": ada.email, "password": password});
    app.client().post(routes::SESSION, login(format!("{long}b"))).await.refused(403, "wrong_credentials");
    app.client().post(routes::SESSION, login(long.clone())).await.refused(403, "wrong_credentials");
    app.client().post(routes::SESSION, login(format!("{long}A"))).await.refused(403, "wrong_credentials");
    app.client().post(routes::SESSION, login(format!("{long}a"))).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_passwords_block_login_from_one_address_for_fifteen_minutes() {
    let app = TestApp::spawn_with(&[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let ada = app.register().await;
    let from = async |address: &str, password: &str| {
        let client = app.client();
        let request = client.request(Method::POST, routes::SESSION).header("X-Forwarded-For", address);
        client.send(request.json(&json!({"email": ada.email, "password": password}))).await
    };
    for _ in 0..10 {
        from("203.0.113.7", "wrong password").await.refused(403, "wrong_credentials");
    }
    let locked = from("203.0.113.7", PASSWORD).await;
    assert_eq!(locked.headers["retry-after"], "900");
    locked.refused(429, "too_many");
    // The owner can log in from another address.
    from("198.51.100.1", PASSWORD).await.ok();
    // An unknown e-mail has the same limit, so the limit does not reveal accounts.
    for _ in 0..10 {
        let unknown = app.client();
        let request = unknown.request(Method::POST, routes::SESSION).header("X-Forwarded-For", "203.0.113.9");
        unknown
            .send(request.json(&json!({"email": "nobody@example.com", "password": "x"})))
            .await
            .refused(403, "wrong_credentials");
    }
    let unknown = app.client();
    let request = unknown.request(Method::POST, routes::SESSION).header("X-Forwarded-For", "203.0.113.9");
    unknown
        .send(request.json(&json!({"email": "nobody@example.com", "password": "x"})))
        .await
        .refused(429, "too_many");
    app.advance(901);
    from("203.0.113.7", PASSWORD).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_wrong_passwords_are_all_counted() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let client = app.client();
    let wrong = json!({"email": ada.email, "password": "wrong password"});
    let guesses = (0..40).map(|_| client.post(routes::SESSION, wrong.clone()));
    let responses = futures_util::future::join_all(guesses).await;
    let checked = responses.iter().filter(|response| response.status == StatusCode::FORBIDDEN).count();
    assert_eq!(checked, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn x_forwarded_for_from_an_untrusted_peer_is_ignored() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    for at in 0..11 {
        let client = app.client();
        let request = client
            .request(Method::POST, routes::SESSION)
            .header("X-Forwarded-For", format!("203.0.113.{at}"));
        let response =
            client.send(request.json(&json!({"email": ada.email, "password": "wrong password"}))).await;
        let expected = if at < 10 { StatusCode::FORBIDDEN } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(response.status, expected, "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_bcrypt_hash_signs_in_and_is_replaced() {
    use diesel::RunQueryDsl;
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let plain = bcrypt::hash("an older password", 4).expect("a hash");
    let (email, old) = (ada.email.clone(), plain.clone());
    let change = format!("UPDATE users SET password_hash = '{old}' WHERE email = '{email}'");
    app.store()
        .write(move |db| diesel::sql_query(change).execute(db).map_err(server::store::StoreError::from))
        .await
        .unwrap();
    app.client()
        .post(routes::SESSION, json!({"email": ada.email, "password": "an older password"}))
        .await
        .ok();
    let store = app.store();
    let user = store
        .read(move |db| server::store::users::by_login(db, &email).map_err(server::store::StoreError::from));
    let user = user.await.unwrap().expect("the user exists");
    assert!(user.password_hash.starts_with("hs256n."), "{}", user.password_hash);
    app.client()
        .post(routes::SESSION, json!({"email": ada.email, "password": "an older password"}))
        .await
        .ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_unique_and_uniformly_random() {
    let app = TestApp::spawn_with(&[("LIMITS", "off")]).await;
    let ada = app.register().await;
    let mut counts = [0_u32; 256];
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let (session, _) = ada.log_in().await;
        let token = session.token.expect("a token");
        assert_eq!(token.len(), 43);
        for byte in token.bytes() {
            counts[usize::from(byte)] += 1;
        }
        assert!(seen.insert(token));
    }
    let used: Vec<u32> = counts.into_iter().filter(|count| *count > 0).collect();
    assert_eq!(used.len(), 64, "all characters of base64url occur");
    // 4,300 characters over 64 values: 67 each; chi-square with 63 degrees of freedom is below 120.
    let mean = f64::from(used.iter().sum::<u32>()) / 64.0;
    let chi: f64 = used.iter().map(|count| (f64::from(*count) - mean).powi(2) / mean).sum();
    assert!(chi < 120.0, "{chi}");
}
