//! Lists, in pages.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::links::origin;
use crate::{
    response::ok,
    twilio::{error::TwilioError, params::Fields},
};

const DEFAULT_SIZE: usize = 50;
const LARGEST_SIZE: usize = 1000;
/// Before the last id of a page, in the token of the next one.
const TOKEN_PREFIX: &str = "DN";

/// One page of a list. A page begins after the item of the token, or where its number says.
pub(super) fn page(
    request: &HttpRequest,
    fields: &Fields,
    key: &str,
    items: &[Value],
) -> Result<HttpResponse, TwilioError> {
    let number = |name: &str| fields.text(name).map(str::parse::<usize>).transpose();
    let number = |name: &str| number(name).map_err(|_| TwilioError::invalid(name));
    let (page, size) = (number("Page")?.unwrap_or(0), number("PageSize")?.unwrap_or(DEFAULT_SIZE));
    let size = size.clamp(1, LARGEST_SIZE);
    // One of the device libraries writes it with a small letter.
    let token = fields.text("PageToken").or_else(|| fields.text("pageToken"));
    let start = match token.map(|token| token.strip_prefix(TOKEN_PREFIX)) {
        None => page.saturating_mul(size),
        Some(last) => items
            .iter()
            .position(|item| last.is_some_and(|last| item["sid"] == last))
            .map(|at| at + 1)
            .ok_or_else(|| TwilioError::invalid("PageToken"))?,
    };
    let shown: Vec<&Value> = items.iter().skip(start).take(size).collect();
    let url = |page: usize, token: Option<&str>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields.all().filter(|(name, _)| !name.to_ascii_lowercase().starts_with("page")) {
            query.append_pair(name, value);
        }
        query.append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        if let Some(token) = token {
            query.append_pair("PageToken", &format!("{TOKEN_PREFIX}{token}"));
        }
        format!("{}{}?{}", origin(request), request.path(), query.finish())
    };
    let has_more = start + shown.len() < items.len();
    let last = shown.last().and_then(|item| item["sid"].as_str());
    Ok(ok(&json!({
        key: shown,
        "meta": {
            "page": page,
            "page_size": size,
            "first_page_url": url(0, None),
            "previous_page_url": page.checked_sub(1).map(|page| url(page, None)),
            "url": url(page, None),
            "next_page_url": has_more.then(|| url(page.saturating_add(1), last)),
            "key": key,
        },
    })))
}
