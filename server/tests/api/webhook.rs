//! The provider's webhook.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::routes;
use signature::authy::{NONCE_HEADER, Params, SIGNATURE_HEADER, SignedCall};

use crate::app::{Person, Response, TestApp};

/// A webhook and the values its signature is computed from.
#[derive(Clone)]
pub struct Hook {
    key: &'static str,
    nonce: String,
    url: String,
    pub body: Value,
}

impl Hook {
    pub async fn for_request(person: &Person<'_>, uuid: &str, status: &str) -> Self {
        let app = person.app;
        // The API does not show the provider's user id; the path of the call to the provider contains it.
        let calls = app.provider_calls().await;
        let call = calls
            .iter()
            .rev()
            .find(|call| call.contains("/approval_requests"))
            .expect("an approval request was sent");
        let id: u64 = call.split('/').nth(4).unwrap().parse().unwrap();
        Self {
            key: sandbox::API_KEY,
            nonce: "1772460151".into(),
            url: app.url(routes::AUTHY_CALLBACK),
            body: json!({
                "authy_id": id, "device_uuid": 12, "callback_action": "approval_request_status",
                "uuid": uuid, "status": status, "approval_request": {"transaction": {"hidden_details": {}, "reason": null}}
            }),
        }
    }

    pub fn with_nonce(self, nonce: &str) -> Self {
        Self { nonce: nonce.to_owned(), ..self }
    }

    fn signature(&self) -> String {
        let params = Params::Body(&self.body);
        SignedCall { nonce: &self.nonce, method: "POST", url: &self.url, params }.sign(self.key)
    }

    pub async fn send(&self, app: &TestApp) -> Response {
        self.send_signed(app, &self.signature(), &self.body).await
    }

    async fn send_signed(&self, app: &TestApp, signature: &str, body: &Value) -> Response {
        let client = app.client();
        let request = client
            .request(Method::POST, routes::AUTHY_CALLBACK)
            .header(SIGNATURE_HEADER, signature)
            .header(NONCE_HEADER, &self.nonce);
        client.send(request.json(body)).await
    }
}

pub async fn app_without_webhooks() -> TestApp {
    let app = TestApp::spawn().await;
    app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_settles_a_pending_request_of_its_user() {
    let app = app_without_webhooks().await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    Hook::for_request(&ada, &uuid, "approved").await.send(&app).await.ok();
    assert!(session.is_signed_in().await);
}

/// Some client libraries accept a callback without a signature.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_a_missing_empty_or_wrong_signature_is_401() {
    let app = app_without_webhooks().await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    let hook = Hook::for_request(&ada, &uuid, "approved").await;
    let client = app.client();
    let bare = || client.request(Method::POST, routes::AUTHY_CALLBACK).json(&hook.body);
    let mut bodies = Vec::new();
    let mut refused = |response: Response| {
        bodies.push(response.text.clone());
        response.refused(401, "wrong_signature");
    };
    refused(client.send(bare()).await);
    refused(client.send(bare().header(NONCE_HEADER, "1")).await);
    refused(client.send(bare().header(SIGNATURE_HEADER, hook.signature())).await);
    refused(client.send(bare().header(SIGNATURE_HEADER, hook.signature()).header(NONCE_HEADER, "")).await);
    refused(
        client
            .send(bare().header(SIGNATURE_HEADER, hook.signature()).header(NONCE_HEADER, "n".repeat(201)))
            .await,
    );
    refused(hook.send_signed(&app, "", &hook.body).await);
    refused(hook.send_signed(&app, "AAAA", &hook.body).await);
    refused(Hook { key: "another key", ..Hook::for_request(&ada, &uuid, "approved").await }.send(&app).await);
    let mut changed = hook.body.clone();
    changed["status"] = json!("denied");
    refused(hook.send_signed(&app, &hook.signature(), &changed).await);
    let elsewhere = Hook { url: "http://elsewhere.example/authy/callback".into(), ..hook };
    refused(elsewhere.send(&app).await);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "all refusals have the same body");
    assert_eq!(session.status().await, "pending");
}

/// The signed URL must not depend on request headers.
#[tokio::test(flavor = "multi_thread")]
async fn the_signed_url_is_the_configured_one_regardless_of_headers() {
    let app = TestApp::spawn_with(&[("PUBLIC_URL", "https://sign.example.com:8443/")]).await;
    app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    let mut hook = Hook::for_request(&ada, &uuid, "approved").await;
    hook.send(&app).await.refused(401, "wrong_signature");
    hook.url = "https://sign.example.com:8443/authy/callback".into();
    let client = app.client();
    let request = client
        .request(Method::POST, routes::AUTHY_CALLBACK)
        .header(SIGNATURE_HEADER, hook.signature())
        .header(NONCE_HEADER, &hook.nonce)
        .header("X-Forwarded-Proto", "gopher")
        .header("X-Forwarded-Host", "evil.example");
    client.send(request.json(&hook.body)).await.ok();
    assert_eq!(session.status().await, "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarded_headers_are_used_only_from_a_trusted_proxy() {
    let forwarded = async |trusted: &str| {
        let app = TestApp::spawn_with(&[("TRUSTED_PROXIES", trusted)]).await;
        app.call_sandbox(Method::PUT, "/webhook", json!({"mode": "off"})).await.ok();
        let ada = app.register().await;
        let (_, uuid) = ada.log_in().await;
        let mut hook = Hook::for_request(&ada, &uuid, "approved").await;
        hook.url = "https://sign.example.com/authy/callback".into();
        let client = app.client();
        let request = client
            .request(Method::POST, routes::AUTHY_CALLBACK)
            .header(SIGNATURE_HEADER, hook.signature())
            .header(NONCE_HEADER, &hook.nonce)
            .header("X-Forwarded-Proto", "https")
            .header("X-Forwarded-Host", "sign.example.com");
        client.send(request.json(&hook.body)).await.status
    };
    assert_eq!(forwarded("127.0.0.1").await, StatusCode::OK);
    assert_eq!(forwarded("10.0.0.0/8").await, StatusCode::UNAUTHORIZED);
}

/// The number of nonces in the database.
async fn stored_nonces(app: &TestApp) -> i64 {
    use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let store = app.store();
    let counted = store.read(|db| {
        let query = diesel::sql_query("SELECT COUNT(*) AS count FROM nonces");
        query.get_result::<Count>(db).map_err(server::store::StoreError::from)
    });
    counted.await.unwrap().count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_concurrent_replays_change_nothing() {
    let app = app_without_webhooks().await;
    let ada = app.register().await;
    let (session, uuid) = ada.log_in().await;
    let hook = Hook::for_request(&ada, &uuid, "approved").await;
    let responses = futures_util::future::join_all((0..100).map(|_| hook.send(&app))).await;
    assert!(responses.iter().all(|response| response.status == StatusCode::OK));
    assert!(session.is_signed_in().await);
    assert_eq!(stored_nonces(&app).await, 1, "the nonce is stored once");
    session.delete(routes::SESSION).await.ok();
    hook.send(&app).await.ok();
    session.get(routes::USER).await.refused(403, "not_signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_nonce_of_up_to_200_characters_is_accepted() {
    let app = app_without_webhooks().await;
    let ada = app.register().await;
    for nonce in ["1427849783.886085".to_owned(), "änderung ~ 1|2".to_owned(), "ß".repeat(200)] {
        let (session, uuid) = ada.log_in().await;
        let hook = Hook { nonce, ..Hook::for_request(&ada, &uuid, "approved").await };
        hook.send(&app).await.ok();
        assert!(session.is_signed_in().await, "{}", hook.nonce);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_can_be_answered_with_the_same_nonce() {
    let app = app_without_webhooks().await;
    let ada = app.register().await;
    let (first, first_uuid) = ada.log_in().await;
    let (second, second_uuid) = ada.log_in().await;
    Hook::for_request(&ada, &first_uuid, "approved").await.send(&app).await.ok();
    Hook::for_request(&ada, &second_uuid, "approved").await.send(&app).await.ok();
    assert!(first.is_signed_in().await);
    assert!(second.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_or_expired_request_does_not_change() {
    let app = app_without_webhooks().await;
    let ada = app.register().await;
    let (denied, uuid) = ada.log_in().await;
    Hook::for_request(&ada, &uuid, "denied").await.send(&app).await.ok();
    let mut late = Hook::for_request(&ada, &uuid, "approved").await;
    late.nonce = "2".into();
    late.send(&app).await.ok();
    assert_eq!(denied.status().await, "denied");
    let (expired, uuid) = ada.log_in().await;
    let hook = Hook::for_request(&ada, &uuid, "approved").await;
    app.advance(120);
    hook.send(&app).await.ok();
    assert_eq!(expired.status().await, "expired");
    assert!(!expired.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_does_not_settle_a_request_of_another_user() {
    let app = app_without_webhooks().await;
    let (ada, grace) = (app.register().await, app.register().await);
    let (victim, uuid) = ada.log_in().await;
    let (_, own) = grace.log_in().await;
    let mut hook = Hook::for_request(&grace, &own, "approved").await;
    hook.body["uuid"] = json!(uuid);
    hook.send(&app).await.ok();
    assert_eq!(victim.status().await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_user_is_404_and_the_dashboard_test_call_is_200() {
    let app = app_without_webhooks().await;
    let ada = app.register().await;
    let (_, uuid) = ada.log_in().await;
    let mut hook = Hook::for_request(&ada, &uuid, "approved").await;
    hook.body["authy_id"] = json!(4711);
    hook.send(&app).await.refused(404, "no_such_user");
    hook.body["authy_id"] = json!(1234);
    hook.body["device_uuid"] = json!("0a1b2c3d-0000-0136-aaaa-0242ac110002");
    hook.body["uuid"] = json!("unknown-uuid");
    hook.send(&app).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_accepted_as_a_form_and_as_a_query() {
    let app = app_without_webhooks().await;
    let ada = app.register().await;
    for method in [Method::POST, Method::GET] {
        let (session, uuid) = ada.log_in().await;
        let mut hook = Hook::for_request(&ada, &uuid, "approved").await;
        // The provider's fields may be nested deeper than any field of this API.
        hook.body["approval_request"]["transaction"]["hidden_details"] =
            json!({"a": {"b": {"c": {"d": "e"}}}});
        let pairs = signature::authy::canonical(&hook.body);
        let call =
            SignedCall { nonce: "7", method: method.as_str(), url: &hook.url, params: Params::Query(&pairs) };
        let client = app.client();
        let request = match method {
            Method::GET => client.request(method.clone(), &format!("{}?{pairs}", routes::AUTHY_CALLBACK)),
            _ => client
                .request(method.clone(), routes::AUTHY_CALLBACK)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(pairs.clone()),
        };
        let request = request.header(SIGNATURE_HEADER, call.sign(sandbox::API_KEY)).header(NONCE_HEADER, "7");
        client.send(request).await.ok();
        assert!(session.is_signed_in().await, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_signature_vectors_are_accepted() {
    let file: Value = serde_json::from_str(include_str!("../../../signature/authy-vectors.json")).unwrap();
    let key = file["vectors"][0]["api_key"].as_str().unwrap();
    let app = TestApp::spawn_with(&[
        ("AUTHY_API_KEY", key),
        ("SANDBOX", "off"),
        ("AUTHY_API_URL", "http://127.0.0.1:9"),
        ("PUBLIC_URL", "https://hooks.example.test"),
    ])
    .await;
    let mut checked = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap_or_default().to_owned();
        if text("url") != "https://hooks.example.test/authy/callback" || text("api_key") != key {
            continue;
        }
        let client = app.client();
        let request = match vector["body_raw"].as_str() {
            Some(raw) => client
                .request(Method::POST, routes::AUTHY_CALLBACK)
                .header("Content-Type", "application/json")
                .body(raw.to_owned()),
            None => client
                .request(Method::GET, &format!("{}?{}", routes::AUTHY_CALLBACK, text("canonical_params"))),
        };
        let signed = |signature: &str| {
            let request = request.try_clone().unwrap();
            request.header(SIGNATURE_HEADER, signature).header(NONCE_HEADER, text("nonce"))
        };
        // With a valid signature, these lack required fields or name an unknown user.
        let accepted = client.send(signed(&text("signature"))).await;
        assert!(matches!(accepted.status.as_u16(), 404 | 422), "{}: {}", text("name"), accepted.text);
        let forged = text("signature").replacen(&text("signature")[..1], "_", 1);
        client.send(signed(&forged)).await.refused(401, "wrong_signature");
        checked += 1;
    }
    assert!(checked >= 28, "{checked}");
}
