//! Where a request comes from, and under which address it reached us.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web::Data};
use ipnet::IpNet;
use url::Url;

use crate::{domain::browser, flow::accounts::Client};

/// What is known of the network around the server.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// The address people use, when it is fixed.
    pub public_url: Option<Url>,
    /// Proxies whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether sign-ups from this machine itself are counted.
    pub count_loopback: bool,
}

impl Network {
    fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&peer))
    }

    /// The client's address: the peer's, or what a trusted proxy says. Of a list of addresses the
    /// last one counts that is no trusted proxy itself: whatever stands before it is hearsay.
    fn address(&self, request: &HttpRequest) -> IpAddr {
        let peer = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
        if !self.trusts(peer) {
            return peer;
        }
        request
            .headers()
            .get_all("x-forwarded-for")
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','))
            .map(|address| address.trim().parse::<IpAddr>())
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .map_while(Result::ok)
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

/// The client a request comes from, as an extractor.
#[derive(Debug)]
pub(super) struct From(pub(super) Client);

impl FromRequest for From {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let network = request.app_data::<Data<Network>>().expect("the app has its network");
        let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let address = network.address(request);
        ready(Ok(Self(Client {
            browser: browser::name(agent.unwrap_or_default()),
            neighbourhood: neighbourhood(address),
            address: address.to_string(),
            counted: network.count_loopback || !address.is_loopback(),
        })))
    }
}

fn neighbourhood(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x}/64", u128::from(address) >> 64),
    }
}

/// Whether a browser says that a page of another origin made it send this.
pub(super) fn is_foreign(request: &impl HttpMessage, origin: &str) -> bool {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let site = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    site || text("origin").is_some_and(|sent| sent != origin)
}
