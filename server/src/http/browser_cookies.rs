//! The cookies a browser keeps between sessions: one by which its device is known, one by which it is remembered.

use actix_web::{
    HttpMessage, HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
    dev::ServiceResponse,
    http::header::{self, HeaderValue},
    web::Data,
};

use super::{cookie::Cookies, error::Result};
use crate::{
    domain::{client::Client, session::Carrier},
    services::{
        Devices,
        remembered::{Remembered, RememberedCookie},
        sessions::UserSession,
    },
};

/// A device stays known for this long.
const DEVICE_DAYS: i64 = 180;

/// Cookies to be set with the response: name, value and how long they last.
#[derive(Default)]
struct ToSet(Vec<(&'static str, String, Duration)>);

fn device_cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-countersign_device" } else { "countersign_device" }
}

fn remembered_cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-countersign_remembered" } else { "countersign_remembered" }
}

fn cookies(request: &HttpRequest) -> &Data<Cookies> {
    request.app_data::<Data<Cookies>>().expect("the app has its cookies")
}

fn brought(request: &HttpRequest, name: fn(bool) -> &'static str) -> Option<String> {
    request.cookie(name(cookies(request).secure)).map(|cookie| cookie.value().to_owned())
}

fn set(request: &HttpRequest, name: fn(bool) -> &'static str, value: String, lasts: Duration) {
    let name = name(cookies(request).secure);
    let mut extensions = request.extensions_mut();
    if extensions.get::<ToSet>().is_none() {
        extensions.insert(ToSet::default());
    }
    if let Some(ToSet(cookies)) = extensions.get_mut::<ToSet>() {
        cookies.push((name, value, lasts));
    }
}

/// The cookie of a known device that a request brought.
pub(super) fn device_cookie(request: &HttpRequest) -> Option<String> {
    brought(request, device_cookie_name)
}

/// The cookie of a remembered browser that a request brought.
pub(super) fn remembered_cookie(request: &HttpRequest) -> Option<String> {
    brought(request, remembered_cookie_name)
}

/// A sign-in is complete in a browser: its device is known from now on.
pub(super) fn set_known_device(request: &HttpRequest, session: &UserSession, client: &Client) {
    if session.carrier() != Carrier::Cookie {
        return;
    }
    let devices = request.app_data::<Data<Devices>>().expect("the app has its devices");
    set(request, device_cookie_name, devices.cookie(session, client), Duration::days(DEVICE_DAYS));
}

/// Remembers the browser, if that was wished and a factor has just passed.
pub(super) async fn remember(
    request: &HttpRequest,
    session: &UserSession,
    client: &Client,
    is_wished: bool,
) -> Result<()> {
    if !is_wished {
        return Ok(());
    }
    let remembered = request.app_data::<Data<Remembered>>().expect("the app has its remembered browsers");
    if let Some(cookie) = remembered.remember(session, client).await? {
        set_remembered(request, &cookie);
    }
    Ok(())
}

/// Gives a remembered browser its next token.
pub(super) fn set_remembered(request: &HttpRequest, cookie: &RememberedCookie) {
    let seconds = i64::try_from(cookie.lasts.as_secs()).unwrap_or(i64::MAX);
    set(request, remembered_cookie_name, cookie.value.clone(), Duration::seconds(seconds));
}

impl Cookies {
    /// Adds the cookies a handler has asked for.
    pub(super) fn add_browser_cookies<B>(&self, response: &mut ServiceResponse<B>) {
        let asked = response.request().extensions_mut().remove::<ToSet>();
        for (name, value, lasts) in asked.unwrap_or_default().0 {
            let cookie = Cookie::build(name, value)
                .http_only(true)
                .secure(self.secure)
                .same_site(SameSite::Lax)
                .path("/")
                .max_age(lasts)
                .finish();
            if let Ok(value) = HeaderValue::from_str(&cookie.encoded().to_string()) {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
        }
    }
}
