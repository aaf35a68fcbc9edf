//! What keeps browsers careful: cookies, origins, headers, the page's own files.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_httponly_and_lax_and_bound_to_the_host_behind_https() {
    let app = TestApp::spawn().await;
    let cookie = async |app: &TestApp| {
        let answer = app.stranger().post(routes::USER, app.new_person().form()).await;
        answer.headers["set-cookie"].to_str().unwrap().to_owned()
    };
    let plain = cookie(&app).await;
    assert!(plain.starts_with("countersign_session="), "{plain}");
    assert!(plain.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{plain}");
    let app = TestApp::with(&[("PUBLIC_URL", "https://sign.example.com")]).await;
    let secure = cookie(&app).await;
    assert!(secure.starts_with("__Host-countersign_session="), "{secure}");
    assert!(secure.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "{secure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_can_change_nothing() {
    let app = TestApp::spawn().await;
    let browser = app.browser();
    browser.post(routes::USER, app.new_person().form()).await.ok();
    let own = app.url("");
    let delete = || browser.request(Method::DELETE, routes::SESSION);
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        browser.send(delete().header(name, value)).await.refused(403, "foreign_origin");
    }
    let mixed = delete().header("Origin", &own).header("Sec-Fetch-Site", "cross-site");
    browser.send(mixed).await.refused(403, "foreign_origin");
    let plain = browser.request(Method::POST, routes::SESSION).header("Origin", "https://evil.example");
    browser.send(plain.header("Content-Type", "text/plain").body("{}")).await.refused(403, "foreign_origin");
    assert!(browser.is_signed_in().await);
    // Reading is harmless, tokens cannot be sent by other pages, and our own page may do all.
    let read = browser.request(Method::GET, routes::USER).header("Sec-Fetch-Site", "cross-site");
    browser.send(read).await.ok();
    let token = app.stranger();
    let by_token = token.request(Method::POST, routes::SESSION_PUSH).header("Origin", "https://app.example");
    token.send(by_token.header(routes::TOKEN_HEADER, "x")).await.refused(404, "no_session");
    let ours = delete().header("Origin", own).header("Sec-Fetch-Site", "same-origin");
    browser.send(ours).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_headers_that_keep_browsers_careful() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://sign.example.com")]).await;
    let stranger = app.stranger();
    for (method, path) in [
        (Method::GET, routes::USER),
        (Method::POST, routes::USER),
        (Method::POST, routes::SESSION),
        (Method::DELETE, routes::SESSION),
        (Method::GET, routes::AUTHY_STATUS),
        (Method::POST, routes::AUTHY_CALLBACK),
        (Method::GET, routes::HEALTHZ),
        (Method::GET, "/nowhere"),
        (Method::PUT, routes::USER),
    ] {
        let answer = stranger.send(stranger.request(method.clone(), path)).await;
        let header = |name: &str| {
            answer
                .headers
                .get(name)
                .unwrap_or_else(|| panic!("{method} {path} lacks {name}"))
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(header("strict-transport-security").starts_with("max-age="));
        assert_eq!(header("x-request-id").len(), 32);
    }
}

/// Builds a page of three files in the application's own folder.
async fn with_page() -> TestApp {
    let mut app = TestApp::spawn().await;
    let dist = app.config().page_dir;
    std::fs::create_dir_all(&dist).unwrap();
    let index = "<html><head></head><script type=module>start()</script></html>";
    std::fs::write(dist.join("index.html"), index).unwrap();
    std::fs::write(dist.join("page-1a2b.js"), "start()").unwrap();
    std::fs::write(dist.join("page-1a2b.js.br"), "compressed").unwrap();
    app.crash().await;
    app.start().await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn page_routes_answer_the_page_with_200_and_unknown_ones_with_404() {
    let app = with_page().await;
    let stranger = app.stranger();
    let page = |path: &str| stranger.request(Method::GET, path).header("Accept", "text/html,*/*");
    for path in routes::page::ALL {
        let answer = stranger.send(page(path)).await;
        assert_eq!(
            (answer.status, answer.headers["cache-control"].to_str().unwrap()),
            (StatusCode::OK, "no-cache")
        );
        assert!(answer.text.contains("sandbox-phone"), "the page learns where the sandbox's phone is");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval' 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }
    let missing = stranger.send(page("/nowhere")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text.contains("<html>"));
    stranger.get("/nowhere").await.refused(404, "not_found");
    stranger.get("/page-9999.js").await.refused(404, "not_found");
    stranger.get("/../test.db").await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_page_travel_compressed_and_are_kept_by_browsers() {
    let app = with_page().await;
    let stranger = app.stranger();
    let file = || stranger.request(Method::GET, "/page-1a2b.js");
    let plain = stranger.send(file()).await;
    assert_eq!(plain.text, "start()");
    assert_eq!(plain.headers["cache-control"], "public, max-age=31536000, immutable");
    let compressed = stranger.send(file().header("Accept-Encoding", "gzip, br")).await;
    assert_eq!(compressed.headers["content-encoding"], "br");
    assert_eq!(compressed.text, "compressed");
    let known = stranger.send(file().header("If-None-Match", plain.headers["etag"].clone())).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_moves_both_clocks() {
    let app = TestApp::spawn().await;
    let ada = app.person().await;
    let (session, _) = ada.log_in().await;
    app.sandbox(Method::PUT, "/clock", json!({"advanceSeconds": 121})).await.ok();
    assert_eq!(session.status().await, "expired");
    assert_eq!(ada.look_at_phone().await["approvalRequests"][0]["status"], "expired");
}
