//! The OpenAPI document matches the routes.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use shared::routes;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_documented_with_exactly_its_methods() {
    let app = TestApp::spawn().await;
    let document = app.client().get(routes::OPENAPI).await.ok();
    let paths = document["paths"].as_object().expect("paths");
    let described: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    assert_eq!(described, routes::ALL.into_iter().collect());
    for (path, item) in paths {
        let methods: BTreeSet<String> =
            item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        let path = path.replace("{id}", "x").replace("{uuid}", "x");
        let client = app.client();
        let response = client.send(client.request(Method::TRACE, &path)).await;
        let allowed = response.headers["allow"].to_str().unwrap().split(", ").map(str::to_owned).collect();
        assert_eq!(methods, allowed, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_has_an_id_a_summary_a_tag_and_the_error_schema() {
    let app = TestApp::spawn().await;
    let document = app.client().get(routes::OPENAPI).await.ok();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            assert!(call["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            let name = call["operationId"].as_str().expect("an operation id").to_owned();
            assert!(names.insert(name), "{method} {path}: the operation id is not unique");
            assert_eq!(call["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
            for (status, response) in call["responses"].as_object().unwrap() {
                if !status.starts_with('2') {
                    let shape = &response["content"]["application/json"]["schema"]["$ref"];
                    assert_eq!(shape, "#/components/schemas/ApiError", "{method} {path} {status}");
                }
            }
        }
    }
    assert_eq!(document["openapi"], Value::from("3.1.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_page_loads_from_this_origin_only() {
    let app = TestApp::spawn().await;
    let response = app.client().get(routes::DOCS).await;
    assert_eq!(response.headers["location"], "/docs/");
    let page = app.client().get("/docs/").await;
    assert_eq!(page.status, 200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("http"));
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        assert!(page.text.contains(file), "{file}");
        assert_eq!(app.client().get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    app.client().get("/docs/nothing").await.refused(404, "not_found");
}
