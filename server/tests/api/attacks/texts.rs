//! Texts that look like others: in e-mails, in names, on the phone.

use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use super::payment;
use crate::app::{PASSWORD, Person, TestApp};

/// Characters nobody sees, or that change the order of those one does.
const INVISIBLE: [char; 14] = [
    '\u{7f}',
    '\u{85}',
    '\u{ad}',
    '\u{61c}',
    '\u{180e}',
    '\u{200b}',
    '\u{200e}',
    '\u{202e}',
    '\u{2060}',
    '\u{2066}',
    '\u{2069}',
    '\u{feff}',
    '\u{fff9}',
    '\u{e0041}',
];

const NONE: [&str; 0] = [];

fn written(hidden: char) -> String {
    format!("U+{:04X}", u32::from(hidden))
}

/// Statement 69 of docs/SECURITY.md: such an e-mail on a push looks like that of the phone's owner.
#[tokio::test(flavor = "multi_thread")]
async fn an_email_with_characters_nobody_sees_is_refused() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (name, host) = ada.email.split_once('@').unwrap();
    let mut accepted = Vec::new();
    for hidden in INVISIBLE.into_iter().chain(['\u{200c}', '\u{200d}']) {
        let eve = Person { app: &app, email: format!("{name}{hidden}@{host}"), phone: ada.phone.clone() };
        let answer = app.stranger().post(routes::USER, eve.form()).await;
        if answer.status == StatusCode::OK {
            accepted.push(written(hidden));
        } else {
            let refused = answer.refused(422, "invalid_fields");
            assert!(refused["fields"]["email"].is_string(), "{refused}");
        }
    }
    assert_eq!(accepted, NONE);
}

/// Statement 69 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_characters_nobody_sees_is_refused() {
    let app = TestApp::spawn().await;
    let names = INVISIBLE.map(|hidden| format!("Ada{hidden} Lovelace"));
    // Joiners are for letters; at the end of a word they are only invisible.
    let joiners = ["Ada\u{200c} Lovelace".to_owned(), "Ada Lovelace\u{200d}".to_owned()];
    let mut accepted = Vec::new();
    for name in names.into_iter().chain(joiners) {
        let mut form = app.new_person().form();
        form["fullName"] = json!(name);
        let answer = app.stranger().post(routes::USER, form).await;
        if answer.status == StatusCode::OK {
            accepted.extend(name.chars().filter(|c| !c.is_ascii_graphic() && *c != ' ').map(written));
        } else {
            let refused = answer.refused(422, "invalid_fields");
            assert!(refused["fields"]["fullName"].is_string(), "{refused}");
        }
    }
    assert_eq!(accepted, NONE);
    let browser = app.browser();
    let ada = app.new_person();
    let form = json!({
        "username": "a\u{202e}da", "email": ada.email, "password": PASSWORD,
        "country_code": "44", "phone_number": ada.phone,
    });
    browser.post(api::REGISTER, form).await.refused(422, "invalid_fields");
}

/// Statement 69 of docs/SECURITY.md: between letters some scripts need them. (The rule held before.)
#[tokio::test(flavor = "multi_thread")]
async fn joiners_between_letters_of_a_name_or_text_are_kept() {
    let app = TestApp::spawn().await;
    for name in ["می\u{200c}خواهم", "ه\u{200d}ه"] {
        let ada = app.new_person();
        let mut form = ada.form();
        form["fullName"] = json!(name);
        app.stranger().post(routes::USER, form).await.ok();
        let session = ada.sign_in().await;
        assert_eq!(session.get(routes::USER).await.ok()["fullName"], name);
        let asked = session.post(routes::APPROVALS, json!({"message": name, "details": {"To": name}})).await;
        assert_eq!(asked.status, 201, "{}", asked.text);
        let shown = ada.look_at_phone().await["approvalRequests"][0].clone();
        assert_eq!((&shown["message"], &shown["details"]["To"]), (&json!(name), &json!(name)));
    }
}

/// Statement 69 of docs/SECURITY.md: two ways to write one text are one account.
#[tokio::test(flavor = "multi_thread")]
async fn an_email_is_the_same_however_its_accents_are_written() {
    let app = TestApp::spawn().await;
    let (composed, decomposed) = ("jos\u{e9}@example.com", "jose\u{301}@example.com");
    let person = |email: &str| Person { email: email.to_owned(), ..app.new_person() };
    let jose = person(decomposed);
    let mut form = jose.form();
    form["fullName"] = json!("Jose\u{301}");
    let token = app.stranger().post(routes::USER, form).await.ok()["token"].clone();
    let user = app.bearer(token.as_str().unwrap()).get(routes::USER).await.ok();
    assert_eq!((&user["email"], &user["fullName"]), (&json!(composed), &json!("Jos\u{e9}")));
    app.stranger().post(routes::USER, person(composed).form()).await.refused(409, "taken");
    for email in [composed, decomposed] {
        let login = json!({"email": email, "password": PASSWORD});
        app.stranger().post(routes::SESSION, login).await.ok();
    }
}

/// Statement 69 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_text_with_characters_nobody_sees_is_refused() {
    let app = TestApp::with(&[("LIMIT_PUSHES_PER_HOUR", "100")]).await;
    let ada = app.person().await;
    let session = ada.sign_in().await;
    let mut accepted = Vec::new();
    for hidden in INVISIBLE {
        let texts: [(&str, Value); 3] = [
            ("message", json!(format!("Send £5{hidden}.00 to Charles?"))),
            ("details", json!({"To": format!("Char{hidden}les")})),
            ("details", json!({format!("T{hidden}o"): "Charles"})),
        ];
        for (field, value) in texts {
            let mut body = payment();
            body[field] = value;
            let answer = session.post(routes::APPROVALS, body).await;
            if answer.status == StatusCode::CREATED {
                accepted.push(format!("{} in {field}", written(hidden)));
            } else {
                let refused = answer.refused(422, "invalid_fields");
                assert!(refused["fields"][field].is_string(), "{refused}");
            }
        }
    }
    assert_eq!(accepted, NONE);
    let phone = ada.look_at_phone().await;
    assert_eq!(phone["approvalRequests"].as_array().unwrap().len(), 1, "the sign-in and nothing else");
}
