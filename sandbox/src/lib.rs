//! An emulator of the Authy API, of Twilio Verify and of Twilio Messages, with a web page that shows the phones.
//!
//! It answers the providers' calls as the real services do, including their inconsistent types, so
//! that unmodified client libraries work against it. The phones that those calls reach are shown on
//! a page and controlled by an API under `/_sandbox`, and so are the e-mails that arrive by SMTP. All
//! state is kept in memory, and nothing is sent outside this machine except callbacks to the
//! configured URLs. Behaviour of the real services that no source documents is listed in
//! `docs/SANDBOX.md`, with what the sandbox does.

mod authy;
mod clock;
mod control;
mod emulator;
mod fault;
mod format;
mod mail;
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
use mail::smtp::{BoundSmtp, SmtpListener};
pub use settings::Settings;
pub use shared::sandbox::{ACCOUNT_SID, API_KEY, AUTH_TOKEN, KEY_SECRET, KEY_SID, NUMBER, SERVICE_SIDS};

/// How long an unused connection is kept, as by most servers.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A running sandbox. It ends with [`stop`](Self::stop) or with the process.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    handle: ServerHandle,
    smtp: Option<SmtpListener>,
}

impl Sandbox {
    /// Binds the ports and starts serving.
    ///
    /// # Errors
    /// When a port is in use.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        // An error means that one is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = settings.port;
        let smtp = match settings.smtp_port {
            Some(port) => Some(BoundSmtp::bind(port).await?),
            None => None,
        };
        let smtp_url = smtp.as_ref().map(|smtp| smtp.url.clone());
        let emulator = Arc::new(Emulator::new(settings, smtp_url));
        let data = web::Data::from(Arc::clone(&emulator));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
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
        let smtp = smtp.map(|smtp| smtp.serve(emulator));
        Ok(Self { address, handle, smtp })
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

    /// Where e-mails are taken by SMTP: `smtp://127.0.0.1:40123`; `None` without a listener.
    #[must_use]
    pub fn smtp_url(&self) -> Option<String> {
        self.smtp.as_ref().map(|smtp| smtp.url.clone())
    }

    /// Stops at once. The state is lost.
    pub async fn stop(&self) {
        if let Some(smtp) = &self.smtp {
            smtp.stop().await;
        }
        self.handle.stop(false).await;
    }
}
