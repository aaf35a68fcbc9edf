//! Client addresses have one canonical form, in whatever notation a proxy sends them.

use serde_json::json;
use shared::routes;

use super::{BEHIND_A_PROXY, client_at};
use crate::app::{Response, TestApp};

const TWO_SIGN_UPS: (&str, &str) = ("LIMIT_SIGN_UPS_PER_HOUR", "2");

async fn sign_up(app: &TestApp, forwarded_for: &str) -> Response {
    client_at(app, forwarded_for).post(routes::USER, app.unregistered_person().form()).await
}

/// Statement 72 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn an_ipv4_mapped_ipv6_address_equals_the_ipv4_address() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, TWO_SIGN_UPS]).await;
    sign_up(&app, "::ffff:198.51.100.1").await.ok();
    sign_up(&app, "198.51.100.1").await.ok();
    sign_up(&app, "198.51.100.1").await.refused(429, "too_many");
    sign_up(&app, "::ffff:198.51.100.1").await.refused(429, "too_many");
    sign_up(&app, "::FFFF:c633:6401").await.refused(429, "too_many");
}

/// Statement 72 of docs/SECURITY.md: otherwise all IPv4 clients share one limit.
#[tokio::test(flavor = "multi_thread")]
async fn ipv4_mapped_ipv6_addresses_have_separate_limits() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, TWO_SIGN_UPS]).await;
    for _ in 0..2 {
        sign_up(&app, "::ffff:198.51.100.1").await.ok();
    }
    sign_up(&app, "::ffff:198.51.100.1").await.refused(429, "too_many");
    sign_up(&app, "::ffff:203.0.113.7").await.ok();
    sign_up(&app, "203.0.113.8").await.ok();
}

/// Statement 72 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_port_of_a_forwarded_address_is_ignored() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, TWO_SIGN_UPS]).await;
    sign_up(&app, "198.51.100.1:4711").await.ok();
    sign_up(&app, "198.51.100.1:4712").await.ok();
    sign_up(&app, "198.51.100.1:4713").await.refused(429, "too_many");
    sign_up(&app, "198.51.100.1").await.refused(429, "too_many");
    sign_up(&app, "[2001:db8:1:2::1]:4711").await.ok();
    sign_up(&app, "2001:DB8:1:2:FFFF::2").await.ok();
    sign_up(&app, "[2001:db8:1:2::3]").await.refused(429, "too_many");
}

/// Statement 72 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_is_recognized_by_its_ipv4_mapped_address() {
    let proxies = ("TRUSTED_PROXIES", "127.0.0.1, 192.0.2.0/24");
    let app = TestApp::spawn_with(&[proxies, TWO_SIGN_UPS]).await;
    for client in ["198.51.100.1", "198.51.100.2", "198.51.100.3"] {
        sign_up(&app, &format!("{client}, ::ffff:192.0.2.9")).await.ok();
    }
}

/// Statement 72 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_phone_shows_the_canonical_address() {
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY]).await;
    let ada = app.register().await;
    for forwarded_for in ["::ffff:198.51.100.1", "198.51.100.1:4711"] {
        client_at(&app, forwarded_for).post(routes::SESSION, ada.credentials()).await.ok();
        let request = ada.phone_state().await["approvalRequests"][0].clone();
        let details = request["details"].as_object().expect("details");
        assert!(details.values().any(|value| *value == json!("198.51.100.1")), "{request}");
    }
}
