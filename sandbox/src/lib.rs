//! An emulator of the Authy API, of Twilio Verify and of Twilio Messages, with a web page that shows the phones.
//!
//! It answers the providers' calls as the real services do, including their inconsistent types, so
//! that unmodified client libraries work against it. The phones that those calls reach are shown on
//! a page and controlled by an API under `/_sandbox`. All state is kept in memory, and nothing is
//! sent outside this machine except callbacks to the configured URLs. Behaviour of the real
//! services that no source documents is listed in `docs/SANDBOX.md`, with what the sandbox does.

mod authy;
mod clock;
mod control;
mod emulator;
mod fault;
mod format;
mod middleware;
mod page;
mod phone_view;
mod random;
mod response;
mod settings;
mod soft_token;
mod state;
mod twilio;
mod webhook;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web};

pub use clock::{Clock, MachineClock};
use emulator::Emulator;
pub use settings::Settings;
pub use shared::sandbox::{ACCOUNT_SID, API_KEY, AUTH_TOKEN, KEY_SECRET, KEY_SID, NUMBER, SERVICE_SIDS};

/// How long an unused connection is kept, as by most servers.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A running sandbox. It ends with [`stop`](Self::stop) or with the process.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Sandbox {
    /// Binds the port and starts serving.
    ///
    /// # Errors
    /// When the port is in use.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        // An error means that one is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = settings.port;
        let emulator = web::Data::from(Arc::new(Emulator::new(settings)));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(emulator.clone())
                .app_data(web::PayloadConfig::new(1 << 20))
                .configure(page::routes)
                .configure(control::routes)
                .configure(authy::routes)
                .configure(twilio::routes)
                .default_service(web::to(authy::error::unknown_route))
                .wrap(from_fn(page::local_only))
        })
        .workers(1)
        .shutdown_timeout(1)
        // Longer than clients keep theirs: a call that is sent while one closes would fail.
        .keep_alive(KEEP_ALIVE)
        .disable_signals()
        .bind((Ipv4Addr::LOCALHOST, port))?;
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { address, handle })
    }

    /// The base URL, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port it is bound to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Stops at once. The state is lost.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }
}
