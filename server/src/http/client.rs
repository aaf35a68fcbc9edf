//! Where a request comes from, and under which address it reached the server.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Data};
use ipnet::IpNet;
use url::Url;

use super::{
    browser_cookies::{device_cookie, remembered_cookie},
    headers::CARRIER,
};
use crate::{
    domain::{
        browser,
        client::{Client, RememberedClaim, read_address},
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
        let mut forwarded = request.headers().get_all(header::X_FORWARDED_FOR).peekable();
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
        let carrier = request.headers().get(&*CARRIER).and_then(|carrier| carrier.to_str().ok());
        ready(Ok(Self(Client {
            browser: browser::name(agent.unwrap_or_default()),
            address,
            limited: network.limits(address),
            device: device_cookie(request).and_then(|value| devices.read(&value)),
            remembered: remembered_cookie(request).and_then(|value| RememberedClaim::read(&value)),
            cookie_only: carrier.is_some_and(|carrier| carrier.eq_ignore_ascii_case("cookie")),
        })))
    }
}
