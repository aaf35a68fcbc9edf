//! Data at rest: file permissions, keyed digests and encrypted secrets.

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;
use shared::routes::{self, cookie_api as api};
use tempfile::TempDir;

use super::{BEHIND_A_PROXY, client_at};
use crate::app::TestApp;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("the file exists").permissions().mode() & 0o777
}

/// Statement 77 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn database_files_are_readable_by_their_owner_only() {
    let folder = TempDir::new().unwrap();
    let created = folder.path().join("created by the server");
    let url = format!("sqlite://{}", created.join("countersign.db").display());
    let app = TestApp::spawn_with(&[("DATABASE_URL", &url)]).await;
    app.register().await.sign_in().await;
    assert_eq!(format!("{:o}", mode(&created)), "700");
    let mut files = Vec::new();
    for entry in fs::read_dir(&created).unwrap() {
        let path = entry.unwrap().path();
        files.push((path.file_name().unwrap().to_str().unwrap().to_owned(), format!("{:o}", mode(&path))));
    }
    assert!(files.iter().any(|(name, _)| name == "countersign.db"), "{files:?}");
    assert!(files.iter().all(|(_, mode)| mode == "600"), "{files:?}");
}

/// Statement 77 of docs/SECURITY.md: the permissions of an existing file are corrected.
#[tokio::test(flavor = "multi_thread")]
async fn permissions_of_an_existing_database_are_restricted_at_start() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("countersign.db");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let url = format!("sqlite://{}", file.display());
    let app = TestApp::spawn_with(&[("DATABASE_URL", &url)]).await;
    app.register().await;
    assert_eq!(format!("{:o}", mode(&file)), "600");
}

/// All bytes of an SQLite database, including its write-ahead log.
pub fn bytes_of(file: &Path) -> Vec<u8> {
    let folder = file.parent().expect("a file is in a folder");
    let name = file.file_name().unwrap().to_str().unwrap();
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with(name) {
            bytes.extend(fs::read(path).unwrap());
        }
    }
    bytes
}

/// Every 32 bytes that look like part of a digest: base64 or hexadecimal characters, at least three digits.
fn digests_in(file: &Path) -> HashSet<String> {
    let bytes = bytes_of(file);
    let windows = bytes.windows(32).filter(|window| {
        window.iter().all(|c| c.is_ascii_alphanumeric() || b"-_+/".contains(c))
            && window.iter().filter(|c| c.is_ascii_digit()).count() >= 3
    });
    windows.map(|window| String::from_utf8(window.to_vec()).expect("ASCII")).collect()
}

/// The digests a server with this secret stores after counting a phone, an address and a login. The file
/// is SQLite's whichever database the tests run on: digests are made by the same code for both.
async fn digests_after_requests(secret: &str, phone: &str, address: &str, email: &str) -> HashSet<String> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("countersign.db");
    let url = format!("sqlite://{}", file.display());
    let app = TestApp::spawn_with(&[BEHIND_A_PROXY, ("APP_SECRET", secret), ("DATABASE_URL", &url)]).await;
    client_at(&app, address).post(api::VERIFICATION_START, json!({"phoneNumber": phone})).await.ok();
    client_at(&app, address).log_in(email, "not the password").await.refused(403, "wrong_credentials");
    client_at(&app, address).post(routes::USER, app.unregistered_person().form()).await.ok();
    digests_in(&file)
}

/// Statement 77 of docs/SECURITY.md: an unkeyed digest is found by trying all phones or addresses. Two
/// servers with different keys store different digests of the same values.
#[tokio::test(flavor = "multi_thread")]
async fn counters_store_phones_addresses_and_logins_as_keyed_digests() {
    let secrets = ["a secret that only the first server has", "quite another one, for the second server"];
    let (phone, address, email) = ("+12125550101", "198.51.100.1", "nobody@example.com");
    let first = digests_after_requests(secrets[0], phone, address, email).await;
    let second = digests_after_requests(secrets[1], phone, address, email).await;
    // Windows that also occur for other values do not depend on phone, address or login.
    let control = digests_after_requests(secrets[1], "+13105550101", "203.0.113.7", "else@example.com").await;
    let shared = first.intersection(&second).filter(|text| !control.contains(*text));
    // The phone being verified is stored in plain text.
    let shared: Vec<_> = shared.filter(|text| !text.contains(&phone[2..])).collect();
    assert!(shared.is_empty(), "unkeyed digests: {} windows, one is {}", shared.len(), shared[0]);
}

/// Statement 77 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_secret_is_not_stored_in_plain_text() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("countersign.db");
    let url = format!("sqlite://{}", file.display());
    let app = TestApp::spawn_with(&[("DATABASE_URL", &url)]).await;
    let session = app.register().await.sign_in().await;
    let response = session.post(routes::AUTHENTICATOR, json!({})).await;
    assert!(response.status.is_success(), "{}", response.text);
    let secret = response.body["secret"].as_str().unwrap();
    let bits: String = secret
        .bytes()
        .map(|c| format!("{:05b}", if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 }))
        .collect();
    let raw: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | (bit - b'0')))
        .collect();
    let stored = bytes_of(&file);
    let email = b"@example.com";
    assert!(stored.windows(email.len()).any(|window| window == email), "what is not sealed can be read");
    for form in [secret.as_bytes().to_vec(), raw.clone(), hex::encode(&raw).into_bytes()] {
        assert!(!stored.windows(form.len()).any(|window| window == form));
    }
}
