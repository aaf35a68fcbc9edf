//! The HTTP client of all providers, and its bounds.

use std::time::Duration;

use reqwest::{Client, Response, redirect};

use super::ProviderError;

/// An unused connection is given up before the other side does so, usually after a minute: a call that is
/// sent while it closes would fail.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// A larger response is none of a provider's.
pub(super) const LARGEST_RESPONSE: usize = 256 * 1024;

/// A client whose calls take `timeout` at most and follow no redirects.
pub(super) fn client(timeout: Duration) -> Client {
    Client::builder()
        .user_agent(concat!("Countersign/", env!("CARGO_PKG_VERSION")))
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(3)))
        .pool_idle_timeout(IDLE_CONNECTION)
        .redirect(redirect::Policy::none())
        .build()
        .expect("the client has no setting that can fail")
}

/// Reads a whole response, if it is not too large.
pub(super) async fn read(mut response: Response) -> Result<Vec<u8>, ProviderError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LARGEST_RESPONSE {
            return Err(ProviderError::UnexpectedResponse { status: response.status().as_u16() });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The address may hold a code; the log must not.
pub(super) fn unreachable(error: reqwest::Error) -> ProviderError {
    ProviderError::Unreachable(error.without_url())
}
