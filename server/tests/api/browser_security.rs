//! Browser security: cookies, origins, security headers and the files of the page.

use reqwest::{Method, StatusCode};
use serde_json::json;
use shared::routes;

use crate::app::{Response, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn the_session_cookie_is_httponly_and_lax_and_host_bound_with_https() {
    let app = TestApp::spawn().await;
    let cookie = async |app: &TestApp| {
        let response = app.client().post(routes::USER, app.unregistered_person().form()).await;
        response.headers["set-cookie"].to_str().unwrap().to_owned()
    };
    let plain = cookie(&app).await;
    assert!(plain.starts_with("countersign_session="), "{plain}");
    assert!(plain.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{plain}");
    let app = TestApp::spawn_with(&[("PUBLIC_URL", "https://sign.example.com")]).await;
    let secure = cookie(&app).await;
    assert!(secure.starts_with("__Host-countersign_session="), "{secure}");
    assert!(secure.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "{secure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cross_origin_requests_with_the_cookie_change_nothing() {
    let app = TestApp::spawn().await;
    let browser = app.browser();
    browser.post(routes::USER, app.unregistered_person().form()).await.ok();
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
    let contradictory = delete().header("Origin", &own).header("Sec-Fetch-Site", "cross-site");
    browser.send(contradictory).await.refused(403, "foreign_origin");
    let plain = browser.request(Method::POST, routes::SESSION).header("Origin", "https://evil.example");
    browser.send(plain.header("Content-Type", "text/plain").body("{}")).await.refused(403, "foreign_origin");
    assert!(browser.is_signed_in().await);
    // Reads, requests with a header token, and requests of our own page are accepted.
    let read = browser.request(Method::GET, routes::USER).header("Sec-Fetch-Site", "cross-site");
    browser.send(read).await.ok();
    let token = app.client();
    let by_token = token.request(Method::POST, routes::SESSION_PUSH).header("Origin", "https://app.example");
    token.send(by_token.header(routes::TOKEN_HEADER, "x")).await.refused(404, "no_session");
    let ours = delete().header("Origin", own).header("Sec-Fetch-Site", "same-origin");
    browser.send(ours).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_the_security_headers() {
    let app = TestApp::spawn_with(&[("PUBLIC_URL", "https://sign.example.com")]).await;
    let client = app.client();
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
        let response = client.send(client.request(method.clone(), path)).await;
        has_security_headers(&response, &format!("{method} {path}"));
    }
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    for _ in 0..2 {
        // The second one is answered from memory.
        has_security_headers(&session.get(routes::AUTHY_STATUS).await, "a poll");
    }
}

fn has_security_headers(response: &Response, what: &str) {
    let header = |name: &str| {
        let value = response.headers.get(name).unwrap_or_else(|| panic!("{what} lacks {name}"));
        value.to_str().unwrap().to_owned()
    };
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(header("strict-transport-security").starts_with("max-age="));
    assert_eq!(header("x-request-id").len(), 32);
}

/// An application that serves a page of three files.
async fn app_with_page() -> TestApp {
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
async fn page_routes_return_the_page_and_unknown_paths_are_404() {
    let app = app_with_page().await;
    let client = app.client();
    let page = |path: &str| client.request(Method::GET, path).header("Accept", "text/html,*/*");
    for path in routes::page::ALL {
        let response = client.send(page(path)).await;
        assert_eq!(
            (response.status, response.headers["cache-control"].to_str().unwrap()),
            (StatusCode::OK, "no-cache")
        );
        assert!(response.text.contains("sandbox-phone"), "the page links to the sandbox phone");
        let policy = response.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval' 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }
    let missing = client.send(page("/nowhere")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text.contains("<html>"));
    client.get("/nowhere").await.refused(404, "not_found");
    client.get("/page-9999.js").await.refused(404, "not_found");
    client.get("/../test.db").await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_files_are_compressed_and_cacheable() {
    let app = app_with_page().await;
    let client = app.client();
    let file = || client.request(Method::GET, "/page-1a2b.js");
    let plain = client.send(file()).await;
    assert_eq!(plain.text, "start()");
    assert_eq!(plain.headers["cache-control"], "public, max-age=31536000, immutable");
    let compressed = client.send(file().header("Accept-Encoding", "gzip, br")).await;
    assert_eq!(compressed.headers["content-encoding"], "br");
    assert_eq!(compressed.text, "compressed");
    let known = client.send(file().header("If-None-Match", plain.headers["etag"].clone())).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_clock_moves_the_servers_clock() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let (session, _) = ada.log_in().await;
    app.call_sandbox(Method::PUT, "/clock", json!({"advanceSeconds": 121})).await.ok();
    assert_eq!(session.status().await, "expired");
    assert_eq!(ada.phone_state().await["approvalRequests"][0]["status"], "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_origin_names_the_expected_and_the_received_origin() {
    let app = TestApp::spawn().await;
    let browser = app.browser();
    let request = browser.request(Method::POST, routes::SESSION).header("Origin", "https://evil.example");
    let refused = browser.send(request.json(&json!({}))).await.refused(403, "foreign_origin");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains(&app.url("")) && message.contains("https://evil.example"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_origin_passes_only_with_same_origin_fetch_metadata() {
    let app = TestApp::spawn().await;
    let browser = app.browser();
    let post = || browser.request(Method::POST, routes::SESSION).header("Origin", "null");
    let same_origin = browser.send(post().header("Sec-Fetch-Site", "same-origin").json(&json!({}))).await;
    same_origin.refused(403, "wrong_credentials");
    browser.send(post().json(&json!({}))).await.refused(403, "foreign_origin");
    browser
        .send(post().header("Sec-Fetch-Site", "none").json(&json!({})))
        .await
        .refused(403, "foreign_origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_expired_device_cookie_is_not_accepted() {
    let app = TestApp::spawn().await;
    let ada = app.register().await;
    let browser = app.browser();
    browser.post(routes::SESSION, ada.credentials()).await.ok();
    browser.post(routes::SESSION_RESEND, json!({})).await.ok();
    let response = browser.verify(&ada.code().await).await;
    let cookies = response.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let cookie = cookies.into_iter().find_map(|cookie| cookie.strip_prefix("countersign_device=")).unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; Path=/; Max-Age=15552000"), "{cookie}");
    let value = cookie.split(';').next().unwrap();
    for _ in 0..10 {
        let wrong = json!({"email": ada.email, "password": "wrong password"});
        app.client().post(routes::SESSION, wrong).await.refused(403, "wrong_credentials");
    }
    let with = async |value: &str| {
        let client = app.client();
        let request = client.request(Method::POST, routes::SESSION);
        let request = request.header("Cookie", format!("countersign_device={value}"));
        client.send(request.json(&ada.credentials())).await.status
    };
    assert_eq!(with("").await, StatusCode::TOO_MANY_REQUESTS);
    let mut parts: Vec<&str> = value.split('.').collect();
    parts[0] = "00000000000000000000000000000000";
    assert_eq!(with(&parts.join(".")).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(with(&value[..value.len() - 1]).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(with(value).await, StatusCode::OK);
    // The device is known for 180 days.
    app.advance(180 * 24 * 3600);
    for _ in 0..10 {
        let wrong = json!({"email": ada.email, "password": "wrong password"});
        app.client().post(routes::SESSION, wrong).await.refused(403, "wrong_credentials");
    }
    assert_eq!(with(value).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited_to_a_thousand_per_address() {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };
    let app = TestApp::spawn_with(&[
        ("APP_ENV", "production"),
        ("PUBLIC_URL", "https://sign.example.com"),
        ("APP_SECRET", "forty characters that nobody has published"),
        ("AUTHY_API_KEY", "a key of our own"),
        ("BCRYPT_COST", "10"),
        ("HOST", "127.0.0.1"),
    ])
    .await;
    let address = app.url("").trim_start_matches("http://").to_owned();
    let ask = async |stream: &mut TcpStream| {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: sign.example.com\r\n\r\n").await.unwrap();
        let mut response = vec![0; 2048];
        let length = stream.read(&mut response).await.unwrap();
        String::from_utf8_lossy(&response[..length]).into_owned()
    };
    let mut open = Vec::new();
    for _ in 0..1000 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        if open.len() % 250 == 0 {
            assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200"));
        }
        open.push(stream);
    }
    // The server accepts connections asynchronously.
    app.wait_until("further connections are refused", async || {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let response = ask(&mut stream).await;
        response.starts_with("HTTP/1.1 429") && response.contains("too_many")
    })
    .await;
    drop(open);
    app.wait_until("connections are accepted again", async || {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        ask(&mut stream).await.starts_with("HTTP/1.1 200")
    })
    .await;
}
