//! What lies on the disk, and who keeps the server waiting.

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use serde_json::json;
use shared::routes::{self, cookie_api as api};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{BEHIND_A_PROXY, at};
use crate::app::TestApp;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// Statement 77 of docs/SECURITY.md.
#[tokio::test(flavor = "multi_thread")]
async fn other_users_of_the_machine_cannot_read_the_database() {
    let folder = TempDir::new().unwrap();
    let made = folder.path().join("made by the server");
    let url = format!("sqlite://{}", made.join("countersign.db").display());
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    app.person().await.sign_in().await;
    assert_eq!(format!("{:o}", mode(&made)), "700");
    let mut files = Vec::new();
    for entry in fs::read_dir(&made).unwrap() {
        let path = entry.unwrap().path();
        files.push((path.file_name().unwrap().to_str().unwrap().to_owned(), format!("{:o}", mode(&path))));
    }
    assert!(files.iter().any(|(name, _)| name == "countersign.db"), "{files:?}");
    assert!(files.iter().all(|(_, mode)| mode == "600"), "{files:?}");
}

/// Statement 77 of docs/SECURITY.md: a file that is there already is closed to others as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_older_version_is_closed_to_other_users_at_the_start() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("countersign.db");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let url = format!("sqlite://{}", file.display());
    let app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    app.person().await;
    assert_eq!(format!("{:o}", mode(&file)), "600");
}

/// All bytes of a database, its log included.
fn bytes_of(file: &Path) -> Vec<u8> {
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

/// What looks like part of a digest: 32 characters of base64 or hexadecimal, digits among them.
fn digests_in(file: &Path) -> HashSet<String> {
    let bytes = bytes_of(file);
    let windows = bytes.windows(32).filter(|window| {
        window.iter().all(|c| c.is_ascii_alphanumeric() || b"-_+/".contains(c))
            && window.iter().filter(|c| c.is_ascii_digit()).count() >= 3
    });
    windows.map(|window| String::from_utf8(window.to_vec()).expect("ASCII")).collect()
}

/// A server that has counted this phone, this address and this login.
async fn counted(secret: &str, phone: &str, address: &str, email: &str) -> Option<HashSet<String>> {
    let app = TestApp::with(&[BEHIND_A_PROXY, ("APP_SECRET", secret)]).await;
    let file = app.database_file()?;
    at(&app, address).post(api::VERIFICATION_START, json!({"phoneNumber": phone})).await.ok();
    at(&app, address).log_in(email, "not the password").await.refused(403, "wrong_credentials");
    at(&app, address).post(routes::USER, app.new_person().form()).await.ok();
    Some(digests_in(&file))
}

/// Statement 77 of docs/SECURITY.md: a digest without a key is found by trying all phones or addresses. Two servers
/// with different keys store different digests of the same things.
#[tokio::test(flavor = "multi_thread")]
async fn counters_name_phones_addresses_and_logins_only_by_keyed_digests() {
    let secrets = ["a secret that only the first server has", "quite another one, for the second server"];
    let (phone, address, email) = ("+12125550101", "198.51.100.1", "nobody@example.com");
    let Some(first) = counted(secrets[0], phone, address, email).await else {
        return; // On PostgreSQL there is no file to read.
    };
    let second = counted(secrets[1], phone, address, email).await.unwrap();
    // What has nothing to do with phone, address and login is the same here, too.
    let control = counted(secrets[1], "+13105550101", "203.0.113.7", "else@example.com").await.unwrap();
    let shared = first.intersection(&second).filter(|text| !control.contains(*text));
    // The phone that is being verified is stored as it is.
    let shared: Vec<_> = shared.filter(|text| !text.contains(&phone[2..])).collect();
    assert!(shared.is_empty(), "digests without a key, {} windows, one is {}", shared.len(), shared[0]);
}

/// Statement 77 of docs/SECURITY.md. (Before, the secret was the provider's alone.)
#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_an_authenticator_is_not_in_the_database_as_it_is() {
    let app = TestApp::spawn().await;
    let Some(file) = app.database_file() else {
        return;
    };
    let session = app.person().await.sign_in().await;
    let answer = session.post(routes::AUTHENTICATOR, json!({})).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let secret = answer.body["secret"].as_str().unwrap();
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
    for form in [secret.as_bytes().to_vec(), raw.clone(), hex::encode(&raw).into_bytes()] {
        assert!(!stored.windows(form.len()).any(|window| window == form));
    }
}

/// Statement 78 of docs/SECURITY.md. The waiting is the server's, 15 seconds of real time.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_answered_with_an_error() {
    let app = TestApp::spawn().await;
    let host = app.url("").replace("http://", "");
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        routes::SESSION
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = timeout(Duration::from_secs(40), stream.read_exact(&mut answer)).await;
    read.expect("the server waits for the body for ever").expect("an answer, not a cut connection");
    let line = String::from_utf8_lossy(&answer);
    assert!(line.starts_with("HTTP/1.1 4"), "{line}");
}
