//! Where a request comes from, and under which address it reached the server.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web::Data};
use ipnet::IpNet;
use shared::routes::CARRIER_HEADER;
use url::Url;

use super::cookie::device_cookie;
use crate::{
    domain::{
        browser,
        client::{Client, read_address},
    },
    services::Devices,
};

/// What is known about the network around the server.
#[derive(Debug, Default)]
pub struct Network {
    /// The address people use, when it is fixed.
    pub public_url: Option<Url>,
    /// Proxies whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether limits per address apply to this machine itself.
    pub limit_loopback: bool,
    /// Whether the log has been told about a forwarded header that is not believed.
    pub warned: AtomicBool,
}

impl Network {
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&peer))
    }

    /// Whether limits per address apply to this one.
    pub(super) fn limits(&self, address: IpAddr) -> bool {
        self.limit_loopback || !address.is_loopback()
    }

    /// Whether a peer may open any number of connections: a proxy speaks for many.
    pub fn is_exempt_from_connection_limit(&self, peer: IpAddr) -> bool {
        self.trusts(peer) || !self.limits(peer)
    }

    /// The client's address: the peer's, or what a trusted proxy says. Of a list of addresses the
    /// last one counts that is no trusted proxy itself; the client may have written what precedes it.
    pub(super) fn address(&self, request: &HttpRequest) -> IpAddr {
        let peer = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
        let mut forwarded = request.headers().get_all("x-forwarded-for").peekable();
        if !self.trusts(peer) {
            if forwarded.peek().is_some() && !self.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    %peer,
                    "X-Forwarded-For is ignored: it came from an address that is not in TRUSTED_PROXIES"
                );
            }
            return peer;
        }
        forwarded
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','))
            .map(read_address)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .map_while(|address| address)
            .find(|address| !self.trusts(*address))
            .unwrap_or(peer)
    }

    /// Scheme and host as the client sees them, without a final slash.
    pub(super) fn base_url(&self, request: &HttpRequest) -> String {
        if let Some(url) = &self.public_url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        let text = |name: &str| {
            let value = request.headers().get(name)?.to_str().ok()?;
            Some(value.split(',').next().unwrap_or_default().trim().to_owned())
        };
        let trusted = request.peer_addr().is_some_and(|peer| self.trusts(peer.ip().to_canonical()));
        let forwarded = |name| if trusted { text(name) } else { None };
        let scheme = forwarded("x-forwarded-proto").filter(|scheme| scheme == "https");
        let host = forwarded("x-forwarded-host").or_else(|| text(header::HOST.as_str())).unwrap_or_default();
        format!("{}://{host}", scheme.as_deref().unwrap_or("http"))
    }

    /// The origin our own page has.
    pub(super) fn origin(&self, request: &HttpRequest) -> String {
        match &self.public_url {
            Some(url) => url.origin().ascii_serialization(),
            None => self.base_url(request),
        }
    }
}

/// The client of a request, as an extractor.
#[derive(Debug)]
pub(super) struct RequestClient(pub(super) Client);

impl FromRequest for RequestClient {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let network = request.app_data::<Data<Network>>().expect("the app has its network");
        let devices = request.app_data::<Data<Devices>>().expect("the app has its devices");
        let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let address = network.address(request);
        let carrier = request.headers().get(CARRIER_HEADER).and_then(|carrier| carrier.to_str().ok());
        ready(Ok(Self(Client {
            browser: browser::name(agent.unwrap_or_default()),
            address,
            limited: network.limits(address),
            device: device_cookie(request).and_then(|value| devices.read(&value)),
            cookie_only: carrier.is_some_and(|carrier| carrier.eq_ignore_ascii_case("cookie")),
        })))
    }
}

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
