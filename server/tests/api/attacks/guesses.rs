//! Guessing goes on for ever unless it gets costlier.

use reqwest::StatusCode;
use serde_json::json;
use shared::routes;

use super::{At, BEHIND_A_PROXY, at, count, known_device, sign_up_on, way_of, wrong_code};
use crate::app::{Answer, PASSWORD, Person, TestApp};

/// Types wrong codes until they are no longer checked. Answers how many were, and how long the lock is.
async fn guess_until_locked(person: &Person<'_>) -> (usize, u64) {
    let (session, _) = person.log_in().await;
    let mut checked = 0;
    loop {
        let answer = session.verify(&wrong_code(person).await).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return (checked, answer.headers["retry-after"].to_str().unwrap().parse().unwrap());
        }
        answer.refused(401, "wrong_code");
        checked += 1;
        assert!(checked <= 5, "more than five wrong codes in a row were checked");
    }
}

/// Statement 66 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn each_lock_for_wrong_codes_is_twice_as_long_as_the_one_before_up_to_a_day() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
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
async fn a_right_code_after_the_lock_and_an_approved_push_begin_the_count_anew() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
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
        // Far enough from the pushes nobody answered.
        app.advance(3601);
    }
    assert_eq!(guess_until_locked(&ada).await, (5, 900));
}

/// Statement 66 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_guess_twenty_times_an_hour_on_one_phone_however_many_accounts_they_make() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    let mut answers = Vec::new();
    for number in 0..7 {
        let (_, session) = sign_up_on(&app, &ada.phone, &format!("eve{number}@example.com")).await;
        for _ in 0..4 {
            answers.push(session.verify(&wrong_code(&ada).await).await);
        }
    }
    assert_eq!(count(&answers, StatusCode::UNAUTHORIZED), 20);
    assert_eq!(count(&answers, StatusCode::TOO_MANY_REQUESTS), 8);
    // The owner of the phone is not kept out by that.
    ada.log_in().await.0.verify(&ada.soft_token().await).await.ok();
}

/// Statement 66 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_are_limited_per_address_whatever_accounts_they_are_for() {
    let app = TestApp::with(&[BEHIND_A_PROXY, ("LIMIT_ADDRESS_WRONG_CODES_PER_HOUR", "10")]).await;
    let mut people = Vec::new();
    for _ in 0..4 {
        let person = app.person().await;
        person.sign_in().await;
        people.push(person);
    }
    let guess = async |person: &Person<'_>, address: &str, code: String| {
        let token = person.log_in().await.0.token;
        let client = At { session: app.bearer(&token.unwrap()), address: address.to_owned() };
        client.post(routes::SESSION_VERIFY, json!({"code": code})).await
    };
    let mut answers = Vec::new();
    for _ in 0..3 {
        for person in &people {
            answers.push(guess(person, "203.0.113.7", wrong_code(person).await).await);
        }
    }
    assert_eq!(count(&answers, StatusCode::UNAUTHORIZED), 10);
    guess(&people[3], "203.0.113.7", people[3].soft_token().await).await.refused(429, "too_many");
    guess(&people[3], "198.51.100.1", people[3].soft_token().await).await.ok();
}

/// Statement 64 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn after_three_denied_pushes_an_account_is_sent_no_more_for_an_hour() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    ada.sign_in().await;
    let (session, mut uuid) = ada.log_in().await;
    for denied in 1..30 {
        app.press(&uuid, "deny").await;
        assert_eq!(session.status().await, "denied");
        let again = session.post(routes::SESSION_PUSH, json!({})).await;
        if again.status != StatusCode::OK {
            assert_eq!(denied, 3);
            assert!(again.headers.contains_key("retry-after"));
            again.refused(429, "too_many");
            break;
        }
        assert!(denied < 3, "{denied} pushes were denied and another was sent");
        uuid = again.body["approval_request"]["uuid"].as_str().expect("a push").to_owned();
    }
    // At a login a code is sent instead.
    assert_eq!(way_of(&app.stranger().post(routes::SESSION, ada.credentials()).await), "sms");
    app.advance(3601);
    ada.log_in().await;
}

const WRONG: &str = "not the password";

async fn wrong_from(app: &TestApp, address: &str, email: &str) -> Answer {
    at(app, address).log_in(email, WRONG).await
}

/// Statement 71 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_tries_a_hundred_wrong_passwords_an_hour_whatever_the_accounts() {
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    let ada = app.person().await;
    let client = at(&app, "203.0.113.7");
    let mut answers = Vec::new();
    for number in 0..130 {
        answers.push(client.log_in(&format!("user{number}@example.com"), WRONG).await);
    }
    assert_eq!(count(&answers, StatusCode::FORBIDDEN), 100);
    assert_eq!(count(&answers, StatusCode::TOO_MANY_REQUESTS), 30);
    client.log_in(&ada.email, PASSWORD).await.refused(429, "too_many");
    at(&app, "198.51.100.1").log_in(&ada.email, PASSWORD).await.ok();
    app.advance(3601);
    client.log_in(&ada.email, PASSWORD).await.ok();
}

/// Statement 71 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_48_bits_tries_64_times_what_an_address_may() {
    let app = TestApp::with(&[BEHIND_A_PROXY, ("LIMIT_ADDRESS_WRONG_PASSWORDS_PER_HOUR", "1")]).await;
    let mut answers = Vec::new();
    for network in 0..80 {
        let address = format!("2001:db8:1:{network:x}::1");
        answers.push(wrong_from(&app, &address, &format!("user{network}@example.com")).await);
    }
    assert_eq!(count(&answers, StatusCode::FORBIDDEN), 64);
    wrong_from(&app, "2001:db8:2::1", "user@example.com").await.refused(403, "wrong_credentials");
}

/// Statement 71 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_guessed_at_fifty_times_an_hour_from_whatever_addresses() {
    let app = TestApp::with(&[BEHIND_A_PROXY]).await;
    let ada = app.person().await;
    let device = known_device(&app, &ada).await;
    // Whether anybody has that name is not to be learnt from it.
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let mut answers = Vec::new();
        for network in 0..10 {
            for _ in 0..8 {
                answers.push(wrong_from(&app, &format!("2001:db8:{network}::1"), email).await);
            }
        }
        assert_eq!(count(&answers, StatusCode::FORBIDDEN), 50, "{email}");
    }
    at(&app, "2001:db8:99::1").log_in(&ada.email, PASSWORD).await.refused(429, "too_many");
    // A device the owner has used before has attempts of its own.
    device.post(routes::SESSION, ada.credentials()).await.ok();
}
