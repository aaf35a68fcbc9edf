//! Limits on guessed codes and passwords, and on denied approval requests.

use reqwest::StatusCode;
use serde_json::json;
use shared::routes;

use super::{
    BEHIND_A_PROXY, ClientAt, client_at, count, known_device, login_outcome, sign_up_with_phone, wrong_code,
};
use crate::app::{PASSWORD, Person, Response, TestApp};

/// Sends wrong codes until the account is locked. Returns how many were checked and the lock in seconds.
async fn guess_until_locked(person: &Person<'_>) -> (usize, u64) {
    let (session, _) = person.log_in().await;
    let mut checked = 0;
    loop {
        let response = session.verify(&wrong_code(person).await).await;
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            return (checked, response.headers["retry-after"].to_str().unwrap().parse().unwrap());
        }
        response.refused(401, "wrong_code");
        checked += 1;
        assert!(checked <= 5, "more than five wrong codes in a row were checked");
    }
}

/// Statement 66 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn each_lock_for_wrong_codes_doubles_up_to_a_day() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    let mut locks = Vec::new();
    for _ in 0..9 {
        let (_, lock) = guess_until_locked(&ada).await;
        locks.push(lock / 60);
        app.advance(lock + 1);
    }
    assert_eq!(locks, [15, 30, 60, 120, 240, 480, 960, 1440, 1440]);
}

/// Statement 66 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_correct_code_or_an_approval_resets_the_lock_duration() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    for answered_by in ["code", "push"] {
        let (_, first) = guess_until_locked(&ada).await;
        app.advance(first + 1);
        let (_, second) = guess_until_locked(&ada).await;
        assert_eq!((first, second), (900, 1800), "{answered_by}");
        if answered_by == "code" {
            let (locked, _) = ada.log_in().await;
            locked.verify(&ada.soft_token().await).await.refused(429, "too_many");
            app.advance(second + 1);
            let (session, _) = ada.log_in().await;
            session.verify(&ada.soft_token().await).await.ok();
        } else {
            ada.sign_in().await;
        }
        // The limit of unanswered requests is over.
        app.advance(3601);
    }
    assert_eq!(guess_until_locked(&ada).await, (5, 900));
}

/// Statement 66 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn unverified_accounts_with_one_phone_share_twenty_wrong_codes_an_hour() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    let mut responses = Vec::new();
    for number in 0..7 {
        let (_, session) = sign_up_with_phone(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        for _ in 0..4 {
            responses.push(session.verify(&wrong_code(&ada).await).await);
        }
    }
    assert_eq!(count(&responses, StatusCode::UNAUTHORIZED), 20);
    assert_eq!(count(&responses, StatusCode::TOO_MANY_REQUESTS), 8);
    // The verified owner of the phone can still sign in.
    ada.log_in().await.0.verify(&ada.soft_token().await).await.ok();
}

/// Statement 66 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_are_limited_per_address_across_accounts() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, ("LIMIT_ADDRESS_WRONG_CODES_PER_HOUR", "10")]).await;
    let mut people = Vec::new();
    for _ in 0..4 {
        let person = app.register().await;
        person.sign_in().await;
        people.push(person);
    }
    let guess = async |person: &Person<'_>, address: &str, code: String| {
        let token = person.log_in().await.0.token;
        let client = ClientAt { client: app.bearer(&token.unwrap()), address: address.to_owned() };
        client.post(routes::SESSION_VERIFY, json!({"code": code})).await
    };
    let mut responses = Vec::new();
    for _ in 0..3 {
        for person in &people {
            responses.push(guess(person, "203.0.113.7", wrong_code(person).await).await);
        }
    }
    assert_eq!(count(&responses, StatusCode::UNAUTHORIZED), 10);
    guess(&people[3], "203.0.113.7", people[3].soft_token().await).await.refused(429, "too_many");
    guess(&people[3], "198.51.100.1", people[3].soft_token().await).await.ok();
}

/// Statement 64 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn three_denied_requests_block_further_requests_for_an_hour() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    ada.sign_in().await;
    let (session, mut uuid) = ada.log_in().await;
    for denied in 1..30 {
        app.answer_request(&uuid, "deny").await;
        assert_eq!(session.status().await, "denied");
        let again = session.post(routes::SESSION_PUSH, json!({})).await;
        if again.status != StatusCode::OK {
            assert_eq!(denied, 3);
            assert!(again.headers.contains_key("retry-after"));
            again.refused(429, "too_many");
            break;
        }
        assert!(denied < 3, "{denied} requests were denied and another was sent");
        uuid = again.body["approval_request"]["uuid"].as_str().expect("an approval request").to_owned();
    }
    // A login sends a code instead.
    assert_eq!(login_outcome(&app.client().post(routes::SESSION, ada.credentials()).await), "sms");
    app.advance(3601);
    ada.log_in().await;
}

const WRONG: &str = "not the password";

async fn wrong_password_from(app: &TestApp, address: &str, email: &str) -> Response {
    client_at(app, address).log_in(email, WRONG).await
}

/// Statement 71 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_limited_to_a_hundred_an_hour_per_address() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY]).await;
    let ada = app.register().await;
    let client = client_at(&app, "203.0.113.7");
    let mut responses = Vec::new();
    for number in 0..130 {
        responses.push(client.log_in(&format!("user{number}@example.com"), WRONG).await);
    }
    assert_eq!(count(&responses, StatusCode::FORBIDDEN), 100);
    assert_eq!(count(&responses, StatusCode::TOO_MANY_REQUESTS), 30);
    client.log_in(&ada.email, PASSWORD).await.refused(429, "too_many");
    client_at(&app, "198.51.100.1").log_in(&ada.email, PASSWORD).await.ok();
    app.advance(3601);
    client.log_in(&ada.email, PASSWORD).await.ok();
}

/// Statement 71 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn an_ipv6_48_network_has_64_times_the_limit_of_an_address() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, ("LIMIT_ADDRESS_WRONG_PASSWORDS_PER_HOUR", "1")]).await;
    let mut responses = Vec::new();
    for network in 0..80 {
        let address = format!("2001:db8:1:{network:x}::1");
        responses.push(wrong_password_from(&app, &address, &format!("user{network}@example.com")).await);
    }
    assert_eq!(count(&responses, StatusCode::FORBIDDEN), 64);
    wrong_password_from(&app, "2001:db8:2::1", "user@example.com").await.refused(403, "wrong_credentials");
}

/// Statement 71 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_limited_to_fifty_an_hour_per_account() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY]).await;
    let ada = app.register().await;
    let device = known_device(&app, &ada).await;
    // An unknown e-mail has the same limit, so the limit does not reveal accounts.
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let mut responses = Vec::new();
        for network in 0..10 {
            for _ in 0..8 {
                responses.push(wrong_password_from(&app, &format!("2001:db8:{network}::1"), email).await);
            }
        }
        assert_eq!(count(&responses, StatusCode::FORBIDDEN), 50, "{email}");
    }
    client_at(&app, "2001:db8:99::1").log_in(&ada.email, PASSWORD).await.refused(429, "too_many");
    // A known device of the owner has its own limit.
    device.post(routes::SESSION, ada.credentials()).await.ok();
}
