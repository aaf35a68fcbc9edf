//! Downloading and deleting one's own data.

use serde_json::json;
use shared::routes;

use super::{let_step_up_expire, mail, old_password, owner, try_password};
use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_downloads_all_that_is_stored_but_secrets() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let codes = session.post(routes::RECOVERY_CODES, json!({})).await.body;
    let download = session.get(routes::EXPORT).await;
    assert!(download.headers["content-disposition"].to_str().unwrap().contains("account.json"));
    assert_eq!(download.headers["cache-control"], "no-store");
    let all = download.body;
    assert_eq!((&all["account"]["email"], &all["account"]["phone"]), (&json!(ada.email), &json!(ada.e164())));
    assert_eq!(all["recoveryCodes"]["left"], 10);
    for part in ["factors", "sessions", "events", "rememberedDevices"] {
        assert!(all[part].is_array(), "{part}: {all}");
    }
    assert!(all["events"].as_array().unwrap().len() > 5);
    let text = all.to_string();
    for secret in [codes["codes"][0].as_str().unwrap(), session.token.as_deref().unwrap(), "$2b$", "hash"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_gone_with_everything_and_its_owner_is_told() {
    let app = TestApp::spawn().await;
    let (ada, session) = owner(&app).await;
    let other = ada.sign_in().await;
    let delete = async |password: &str| {
        let request = session.request(reqwest::Method::DELETE, routes::USER);
        session.send(request.json(&json!({"password": password}))).await
    };
    delete("not the password").await.refused(401, "wrong_password");
    delete("").await.refused(401, "wrong_password");
    delete(old_password()).await.ok();
    session.get(routes::USER).await.refused(403, "not_signed_in");
    other.get(routes::USER).await.refused(403, "not_signed_in");
    try_password(&ada, old_password()).await.refused(403, "wrong_credentials");
    let told = mail(&app, &ada.email, "Your account was deleted").await;
    assert!(!told["text"].as_str().unwrap().contains("/secure#"), "{told}");
    // The e-mail is free again.
    assert_eq!(app.client().post(routes::USER, ada.form()).await.status, 200);
    let store = app.store();
    let kept = store.read(|db| {
        let of_nobody = server::store::events::of_nobody(db)?;
        Ok::<_, server::store::StoreError>(of_nobody)
    });
    let kept = kept.await.unwrap();
    assert!(kept.len() > 5, "kinds and times remain: {kept:?}");
    assert!(
        kept.iter()
            .all(|event| event.browser.is_empty() && event.address.is_empty() && event.factor.is_none())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_need_a_fresh_factor() {
    let app = TestApp::spawn().await;
    let (_, session) = owner(&app).await;
    let_step_up_expire(&app);
    session.get(routes::EXPORT).await.refused(403, "step_up_required");
    let request = session.request(reqwest::Method::DELETE, routes::USER);
    let request = request.json(&json!({"password": old_password()}));
    session.send(request).await.refused(403, "step_up_required");
}
