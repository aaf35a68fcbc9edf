//! The description of the API is that of the API there is.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use shared::routes;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_described_with_exactly_its_methods() {
    let app = TestApp::spawn().await;
    let document = app.stranger().get(routes::OPENAPI).await.ok();
    let paths = document["paths"].as_object().expect("paths");
    let described: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    assert_eq!(described, routes::ALL.into_iter().collect());
    for (path, item) in paths {
        let methods: BTreeSet<String> =
            item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        let path = path.replace("{id}", "x").replace("{uuid}", "x");
        let stranger = app.stranger();
        let answer = stranger.send(stranger.request(Method::TRACE, &path)).await;
        let allowed = answer.headers["allow"].to_str().unwrap().split(", ").map(str::to_owned).collect();
        assert_eq!(methods, allowed, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_has_a_name_a_summary_a_tag_and_the_one_shape_of_refusals() {
    let app = TestApp::spawn().await;
    let document = app.stranger().get(routes::OPENAPI).await.ok();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            assert!(call["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            let name = call["operationId"].as_str().expect("a name").to_owned();
            assert!(names.insert(name), "{method} {path}: another call has this name");
            assert_eq!(call["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
            for (status, answer) in call["responses"].as_object().unwrap() {
                if !status.starts_with('2') {
                    let shape = &answer["content"]["application/json"]["schema"]["$ref"];
                    assert_eq!(shape, "#/components/schemas/ApiError", "{method} {path} {status}");
                }
            }
        }
    }
    assert_eq!(document["openapi"], Value::from("3.1.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_shown_to_people_from_this_origin_alone() {
    let app = TestApp::spawn().await;
    let answer = app.stranger().get(routes::DOCS).await;
    assert_eq!(answer.headers["location"], "/docs/");
    let page = app.stranger().get("/docs/").await;
    assert_eq!(page.status, 200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("http"));
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        assert!(page.text.contains(file), "{file}");
        assert_eq!(app.stranger().get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    app.stranger().get("/docs/nothing").await.refused(404, "not_found");
}
