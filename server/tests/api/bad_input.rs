//! Invalid requests: each is answered with a 4xx and an `ApiError`.

use reqwest::Method;
use serde_json::{Value, json};
use shared::routes::{self, cookie_api as api};

use crate::app::{Response, TestApp};

/// The paths of all calls that read a body; `{id}` is replaced by this account id.
fn posts(id: &str) -> Vec<String> {
    let with_id = [routes::USERS_VERIFY, routes::USERS_RESEND].map(|path| path.replace("{id}", id));
    let plain = [
        routes::USER,
        routes::AUTHENTICATOR,
        routes::SESSION,
        routes::SESSION_CONTINUE,
        routes::SESSION_PUSH,
        routes::SESSION_RESEND,
        routes::SESSION_VERIFY,
        routes::USERS,
        routes::APPROVALS,
        "/approvals/x/redeem",
        api::REGISTER,
        api::LOGIN,
        api::LOGGED_IN,
        api::SMS,
        api::VOICE,
        api::VERIFY,
        api::ONETOUCH,
        api::ONETOUCH_STATUS,
        api::VERIFICATION_START,
        api::VERIFICATION_VERIFY,
    ];
    plain.map(str::to_owned).into_iter().chain(with_id).collect()
}

/// The token of a signed-in session, and the paths of all calls that read a body.
async fn signed_in(app: &TestApp) -> (String, Vec<String>) {
    let session = app.register().await.sign_in().await;
    let id = session.get(routes::USER).await.ok()["id"].as_str().unwrap().to_owned();
    (session.token.expect("a header session"), posts(&id))
}

async fn send(
    app: &TestApp,
    token: &str,
    path: &str,
    kind: &str,
    body: impl Into<reqwest::Body>,
) -> Response {
    let session = app.bearer(token);
    let request = session.request(Method::POST, path).header("Content-Type", kind).body(body);
    session.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_json_and_invalid_utf8_are_400() {
    let app = TestApp::spawn().await;
    let (token, posts) = signed_in(&app).await;
    for path in &posts {
        for body in [&b"{"[..], b"{\"a\":}", b"not JSON", b"{\"email\":\"\xff\xfe\"}", b"{} {}"] {
            send(&app, &token, path, "application/json", body.to_vec()).await.refused(400, "unreadable");
        }
        let form = "application/x-www-form-urlencoded";
        send(&app, &token, path, form, &b"code=\xff"[..]).await.refused(400, "unreadable");
        send(&app, &token, path, form, "code=%ff%fe").await.refused(400, "unreadable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_nested_30_000_levels_deep_is_400() {
    let app = TestApp::spawn().await;
    let (token, posts) = signed_in(&app).await;
    for path in &posts {
        let deep = "[".repeat(30_000) + &"]".repeat(30_000);
        send(&app, &token, path, "application/json", deep).await.refused(400, "unreadable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_types_are_415_and_an_empty_body_is_an_empty_object() {
    let app = TestApp::spawn().await;
    let (token, posts) = signed_in(&app).await;
    for path in &posts {
        for kind in ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/jsonp"]
        {
            send(&app, &token, path, kind, "{}").await.refused(415, "unsupported_type");
        }
    }
    send(&app, &token, routes::SESSION_RESEND, "text/plain", "").await.ok();
    app.client()
        .send(app.client().request(Method::POST, routes::SESSION))
        .await
        .refused(403, "wrong_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_two_megabytes_is_413() {
    let app = TestApp::spawn().await;
    let (token, posts) = signed_in(&app).await;
    for path in &posts {
        let large = json!({"password": "x".repeat(2 << 20)}).to_string();
        send(&app, &token, path, "application/json", large).await.refused(413, "too_large");
    }
    let just = json!({"email": "a@example.com", "password": "x".repeat(60_000)}).to_string();
    send(&app, &token, routes::SESSION, "application/json", just).await.refused(403, "wrong_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_methods_are_405_and_unknown_paths_are_404() {
    let app = TestApp::spawn().await;
    let client = app.client();
    for (method, path) in [
        (Method::PUT, routes::USER),
        (Method::PUT, routes::SESSION),
        (Method::GET, routes::SESSION_VERIFY),
        (Method::POST, routes::AUTHY_STATUS),
        (Method::PATCH, routes::AUTHY_CALLBACK),
        (Method::POST, routes::HEALTHZ),
        (Method::POST, routes::page::LOG_IN),
    ] {
        let response = client.send(client.request(method.clone(), path)).await;
        assert!(response.headers.contains_key("allow"), "{method} {path}");
        response.refused(405, "method_not_allowed");
    }
    for path in ["/no/such/path", "/user/", "/session/unknown", "/%ff", "/..%2fuser", "/authy/status/x"] {
        client.send(client.request(Method::POST, path)).await.refused(404, "not_found");
        client.send(client.request(Method::GET, path)).await.refused(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_names_every_missing_field() {
    let app = TestApp::spawn().await;
    let refused = app.client().post(routes::USER, json!({})).await.refused(422, "invalid_fields");
    let fields: Vec<&String> = refused["fields"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["countryCode", "email", "fullName", "password", "phone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_names_the_invalid_field_and_does_not_call_the_provider() {
    let app = TestApp::spawn().await;
    let long = |count: usize| Value::String("a".repeat(count));
    let wrongs = [
        ("fullName", long(201)),
        ("fullName", json!("  ")),
        ("fullName", json!("a\u{0}b")),
        ("email", json!("no at sign")),
        ("email", Value::String(format!("{}@example.com", "a".repeat(243)))),
        ("password", json!("short")),
        ("password", long(201)),
        ("password", json!("12345678")),
        ("phone", json!("12")),
        ("phone", json!("７７００９００１２３")),
        ("phone", json!("not a number")),
        ("countryCode", json!("999")),
        ("countryCode", json!("../../")),
        ("username", json!("a b")),
        ("username", json!("ada@example.com")),
    ];
    for (field, value) in wrongs {
        let mut form = app.unregistered_person().form();
        form[field] = value.clone();
        let refused = app.client().post(routes::USER, form).await.refused(422, "invalid_fields");
        assert!(refused["fields"][field].is_string(), "{field} {value}: {refused}");
    }
    for field in ["fullName", "email", "password", "phone", "countryCode", "username"] {
        for value in [json!([]), json!({}), json!(true), json!([["x"]])] {
            let mut form = app.unregistered_person().form();
            form[field] = value.clone();
            let refused = app.client().post(routes::USER, form).await.refused(422, "invalid_fields");
            assert!(refused["fields"][field].is_string(), "{field} {value}: {refused}");
        }
    }
    assert_eq!(app.provider_calls().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_body_that_is_not_an_object_is_422() {
    let app = TestApp::spawn().await;
    let (token, posts) = signed_in(&app).await;
    for path in &posts {
        for body in ["[]", "1", "null", "\"text\"", "true"] {
            send(&app, &token, path, "application/json", body).await.refused(422, "invalid_fields");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_accepted_in_text_fields() {
    let app = TestApp::spawn().await;
    let ada = app.unregistered_person();
    let mut form = ada.form();
    form["phone"] = json!(ada.phone.parse::<u64>().unwrap());
    form["countryCode"] = json!(44);
    form["username"] = Value::Null;
    app.client().post(routes::USER, form).await.ok();
    let (session, _) = ada.log_in().await;
    session.post(routes::SESSION_RESEND, json!({})).await.ok();
    let code: String = ada.code().await;
    // A code with a leading zero cannot be sent as a number.
    let body = if code.starts_with('0') {
        json!({"code": code})
    } else {
        json!({"code": code.parse::<u64>().unwrap()})
    };
    session.post(routes::SESSION_VERIFY, body).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_login_name_is_refused_as_wrong_credentials() {
    let app = TestApp::spawn().await;
    for login in ["a\u{0}b", "\u{1b}[31m", &"x".repeat(50_000), "🔐", "' OR 1=1 --"] {
        let body = json!({"email": login, "password": "a password\u{0}"});
        app.client().post(routes::SESSION, body).await.refused(403, "wrong_credentials");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_channel_is_422() {
    let app = TestApp::spawn().await;
    let (token, _) = signed_in(&app).await;
    for via in ["pigeon", "SMS", "sms,call"] {
        let refused = app.bearer(&token).post(routes::SESSION_RESEND, json!({"via": via})).await;
        assert!(refused.refused(422, "invalid_fields")["fields"]["via"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_tokens_and_cookies_give_no_session() {
    let app = TestApp::spawn().await;
    for token in ["", " ", "'; DROP TABLE sessions; --", &"x".repeat(8000)] {
        app.bearer(token).get(routes::USER).await.refused(403, "not_signed_in");
        for path in
            [routes::SESSION_CONTINUE, routes::SESSION_PUSH, routes::SESSION_RESEND, routes::SESSION_VERIFY]
        {
            app.bearer(token).post(path, json!({})).await.refused(404, "no_session");
        }
        for path in [api::SMS, api::VOICE, api::VERIFY, api::ONETOUCH, api::VERIFICATION_START] {
            app.bearer(token).post(path, json!({})).await.refused(401, "no_session");
        }
        app.bearer(token).post(routes::APPROVALS, json!({})).await.refused(403, "not_signed_in");
    }
    let client = app.client();
    let request = client.request(Method::GET, routes::USER).header(routes::TOKEN_HEADER, &b"\xff\xfe"[..]);
    client.send(request).await.refused(403, "not_signed_in");
    for cookie in
        ["countersign_session=", "countersign_session=%00", "countersign_session=forged", "a=b; =; ;;"]
    {
        let request = client.request(Method::GET, routes::USER).header("Cookie", cookie);
        client.send(request).await.refused(403, "not_signed_in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_webhooks_are_refused_with_4xx() {
    let app = TestApp::spawn().await;
    let client = app.client();
    let hook = || {
        client
            .request(Method::POST, routes::AUTHY_CALLBACK)
            .header(signature::authy::NONCE_HEADER, "1")
            .header(signature::authy::SIGNATURE_HEADER, "AAAA")
    };
    let json = |body: Vec<u8>| hook().header("Content-Type", "application/json").body(body);
    client.send(json(vec![b' '; 2 << 20])).await.refused(413, "too_large");
    client.send(json(b"[".repeat(40_000))).await.refused(400, "unreadable");
    client.send(json(b"{\"a\":1,\"a\":2}".to_vec())).await.refused(401, "wrong_signature");
    client.send(json(b"\xff".to_vec())).await.refused(400, "unreadable");
    client.send(hook().header("Content-Type", "text/plain").body("x")).await.refused(415, "unsupported_type");
    client.send(hook()).await.refused(401, "wrong_signature");
}
