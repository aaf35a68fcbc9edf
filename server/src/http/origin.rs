//! Which page made a browser send a request, as far as the browser tells.

use actix_web::{HttpMessage, HttpRequest};
use url::Url;

/// A browser's claim that a page of another origin sent the request: what it expected and what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignOrigin {
    /// Our page's origin.
    pub expected: String,
    /// The origin or site the browser names.
    pub came: String,
}

fn header_text<'a>(request: &'a impl HttpMessage, name: &str) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().unwrap_or_default())
}

/// Whether a browser says that a page of another origin made it send this. `Origin: null` passes
/// beside `Sec-Fetch-Site: same-origin` alone.
pub(super) fn foreign_origin(request: &impl HttpMessage, expected: &str) -> Option<ForeignOrigin> {
    let site = header_text(request, "sec-fetch-site");
    let foreign = |came: &str| ForeignOrigin { expected: expected.to_owned(), came: came.to_owned() };
    if let Some(site) = site.filter(|site| !matches!(*site, "same-origin" | "none")) {
        return Some(foreign(header_text(request, "origin").unwrap_or(site)));
    }
    match header_text(request, "origin") {
        Some("null") if site == Some("same-origin") => None,
        Some(origin) if origin != expected => Some(foreign(origin)),
        _ => None,
    }
}

/// The same for a GET that changes something, which a link on any site can make a browser send.
/// Browsers too old for `Sec-Fetch-Site` must show by `Referer` or `Origin` that our page sent it.
pub(super) fn foreign_navigation(request: &HttpRequest, expected: &str) -> Option<ForeignOrigin> {
    if let Some(foreign) = foreign_origin(request, expected) {
        return Some(foreign);
    }
    let referer = header_text(request, "referer");
    let from = referer.and_then(|url| Url::parse(url).ok()).map(|url| url.origin().ascii_serialization());
    let foreign = |came: &str| ForeignOrigin { expected: expected.to_owned(), came: came.to_owned() };
    match (&from, referer) {
        (Some(origin), _) if origin != expected => return Some(foreign(origin)),
        (None, Some(_)) => return Some(foreign("an unreadable Referer")),
        _ => {}
    }
    let is_browser = header_text(request, "user-agent").is_some_and(|agent| agent.starts_with("Mozilla/"));
    let has_evidence = from.is_some()
        || ["sec-fetch-site", "origin"].iter().any(|name| header_text(request, name).is_some());
    (is_browser && !has_evidence).then(|| foreign("a page that is not named"))
}
