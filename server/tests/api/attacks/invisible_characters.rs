//! Invisible and bidirectional characters in e-mails, names and approval requests.

use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use super::payment;
use crate::app::{PASSWORD, Person, TestApp};

/// Characters that are invisible or change the text direction.
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

fn code_point(hidden: char) -> String {
    format!("U+{:04X}", u32::from(hidden))
}

/// Statement 69 of docs/SECURITY.md: on the phone such an e-mail looks like the owner's.
#[tokio::test(flavor = "multi_thread")]
async fn an_email_with_invisible_characters_is_refused() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (name, host) = ada.email.split_once('@').unwrap();
    let mut accepted = Vec::new();
    for hidden in INVISIBLE.into_iter().chain(['\u{200c}', '\u{200d}']) {
        let eve = Person { app: &app, email: format!("{name}{hidden}@{host}"), phone: ada.phone.clone() };
        let response = app.client().post(routes::USER, eve.form()).await;
        if response.status == StatusCode::OK {
            accepted.push(code_point(hidden));
        } else {
            let refused = response.refused(422, "invalid_fields");
            assert!(refused["fields"]["email"].is_string(), "{refused}");
        }
    }
    assert_eq!(accepted, NONE);
}

/// Statement 69 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_invisible_characters_is_refused() {
    let app = TestApp::spawn().await;
    let names = INVISIBLE.map(|hidden| format!("Ada{hidden} Lovelace"));
    // Joiners are allowed between letters only, not at the end of a word.
    let joiners = ["Ada\u{200c} Lovelace".to_owned(), "Ada Lovelace\u{200d}".to_owned()];
    let mut accepted = Vec::new();
    for name in names.into_iter().chain(joiners) {
        let mut form = app.unregistered_person().form();
        form["fullName"] = json!(name);
        let response = app.client().post(routes::USER, form).await;
        if response.status == StatusCode::OK {
            accepted.extend(name.chars().filter(|c| !c.is_ascii_graphic() && *c != ' ').map(code_point));
        } else {
            let refused = response.refused(422, "invalid_fields");
            assert!(refused["fields"]["fullName"].is_string(), "{refused}");
        }
    }
    assert_eq!(accepted, NONE);
    let browser = app.browser();
    let ada = app.unregistered_person();
    let form = json!({
        "username": "a\u{202e}da", "email": ada.email, "password": PASSWORD,
        "country_code": "44", "phone_number": ada.phone,
    });
    browser.post(api::REGISTER, form).await.refused(422, "invalid_fields");
}

/// Statement 69 of docs/SECURITY.md: some scripts need them.
#[tokio::test(flavor = "multi_thread")]
async fn joiners_between_letters_are_kept() {
    let app = TestApp::spawn().await;
    for name in ["می\u{200c}خواهم", "ه\u{200d}ه"] {
        let ada = app.unregistered_person();
        let mut form = ada.form();
        form["fullName"] = json!(name);
        app.client().post(routes::USER, form).await.ok();
        let session = ada.sign_in().await;
        assert_eq!(session.get(routes::USER).await.ok()["fullName"], name);
        let created =
            session.post(routes::APPROVALS, json!({"message": name, "details": {"To": name}})).await;
        assert_eq!(created.status, 201, "{}", created.text);
        let shown = ada.phone_state().await["approvalRequests"][0].clone();
        assert_eq!((&shown["message"], &shown["details"]["To"]), (&json!(name), &json!(name)));
    }
}

/// Statement 69 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn composed_and_decomposed_forms_of_an_email_are_one_account() {
    let app = TestApp::spawn().await;
    let (composed, decomposed) = ("jos\u{e9}@example.com", "jose\u{301}@example.com");
    let person = |email: &str| Person { email: email.to_owned(), ..app.unregistered_person() };
    let jose = person(decomposed);
    let mut form = jose.form();
    form["fullName"] = json!("Jose\u{301}");
    let token = app.client().post(routes::USER, form).await.ok()["token"].clone();
    let user = app.bearer(token.as_str().unwrap()).get(routes::USER).await.ok();
    assert_eq!((&user["email"], &user["fullName"]), (&json!(composed), &json!("Jos\u{e9}")));
    app.client().post(routes::USER, person(composed).form()).await.refused(409, "taken");
    for email in [composed, decomposed] {
        let login = json!({"email": email, "password": PASSWORD});
        app.client().post(routes::SESSION, login).await.ok();
    }
}

/// Statement 69 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_with_invisible_characters_is_refused() {
    let app = TestApp::spawn_with(&[("LIMIT_PUSHES_PER_HOUR", "100")]).await;
    let ada = app.register().await;
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
            let response = session.post(routes::APPROVALS, body).await;
            if response.status == StatusCode::CREATED {
                accepted.push(format!("{} in {field}", code_point(hidden)));
            } else {
                let refused = response.refused(422, "invalid_fields");
                assert!(refused["fields"][field].is_string(), "{refused}");
            }
        }
    }
    assert_eq!(accepted, NONE);
    let phone = ada.phone_state().await;
    assert_eq!(phone["approvalRequests"].as_array().unwrap().len(), 1, "only the request of the sign-in");
}
