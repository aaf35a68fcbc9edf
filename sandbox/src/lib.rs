//! An emulator of the Authy API and of Twilio Messages, with a phone to look at.
//!
//! It answers the providers' calls as the real services do, quirks of type included, so that
//! unmodified client libraries work against it; it plays the phones those calls reach, on a page
//! and through a control API under `/_sandbox`. Everything lives in memory, nothing leaves the
//! machine. What no source confirms about the real service, and what is done here instead, is
//! listed in `docs/SANDBOX.md`.

mod answer;
mod authy;
mod clock;
mod control;
mod faults;
mod page;
mod params;
mod soft_token;
mod twilio;
mod view;
mod webhook;
mod world;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web};
use tokio::sync::watch;

pub use clock::{Clock, MachineClock};
use webhook::Webhook;
use world::World;

/// The API key the sandbox takes; published, so that nobody can mistake it for a secret.
pub const API_KEY: &str = "sandbox-api-key";
/// The Twilio account it names to whoever asks for its settings.
pub const ACCOUNT_SID: &str = "AC00000000000000000000000000000000";
/// The token of that account.
pub const AUTH_TOKEN: &str = "sandbox-auth-token";
/// The number its texts come from, one of those reserved for fiction.
pub const NUMBER: &str = "+15005550006";

/// How a sandbox is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port on the loopback interface; 0 for any free one.
    pub port: u16,
    /// Where answers to approval requests are posted; `None` for nowhere.
    pub webhook_url: Option<String>,
    /// Where "back to the app" leads on the phone page; `None` for no link.
    pub app_url: Option<String>,
    /// The clock codes and requests expire by.
    pub clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { port: 0, webhook_url: None, app_url: None, clock: Arc::new(MachineClock::default()) }
    }
}

/// A running sandbox. It ends with [`stop`](Self::stop) or with the process.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Sandbox {
    /// Binds the port and begins to answer.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        // A second call finds one installed, which is as good.
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
                .default_service(web::to(answer::unknown_route))
                .wrap(from_fn(page::only_from_here))
        })
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .bind((Ipv4Addr::LOCALHOST, port))?;
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { address, handle })
    }

    /// The address it answers at, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port it is bound to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Stops at once and forgets everything.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

/// What all handlers share.
#[derive(Debug)]
struct Emulator {
    clock: Arc<dyn Clock>,
    app_url: Option<String>,
    world: Mutex<World>,
    webhook: Mutex<Webhook>,
    http: reqwest::Client,
    /// Counts changes; open pages watch it.
    changes: watch::Sender<u64>,
}

impl Emulator {
    fn new(settings: Settings) -> Self {
        let http = reqwest::Client::builder()
            .user_agent("CountersignSandbox/0.1")
            .timeout(std::time::Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("the client has no setting that can fail");
        Self {
            clock: settings.clock,
            app_url: settings.app_url,
            world: Mutex::default(),
            webhook: Mutex::new(Webhook::to(settings.webhook_url)),
            http,
            changes: watch::Sender::new(0),
        }
    }

    /// Milliseconds since the Unix epoch, by the sandbox's clock.
    fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The state, to read.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells open pages.
    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    fn webhook(&self) -> MutexGuard<'_, Webhook> {
        self.webhook.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
