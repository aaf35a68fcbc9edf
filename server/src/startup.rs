//! From a configuration to a server that listens. Production and tests start the same one.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    middleware::from_fn,
    web::{Data, PayloadConfig},
};
use sandbox::{Sandbox, Settings};
use shared::routes::{AUTHY_CALLBACK, TWILIO_STATUS};
use thiserror::Error;
use tokio::{sync::Notify, task::JoinHandle};
use url::Url;

use crate::{
    config::{Config, Mode},
    domain::{
        clock::Clock,
        ids::{Random, RequestIds},
        password::Hasher,
    },
    flow::{accounts::Accounts, confirmation::Confirmation, second_factor::SecondFactor},
    http::{self, CookieSessions, Cookies, Network, page::Page},
    provider::{Authy, Messages, Provider},
    store::{Glance, Store, StoreError},
};

/// How long requests may still take when the server is told to stop.
const LAST_REQUESTS_SECONDS: u64 = 10;

/// Why the server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The database is not there, or its schema cannot be brought up to date.
    #[error("DATABASE_URL: the database cannot be used: {0}")]
    Database(#[from] StoreError),
    /// The port is taken.
    #[error("PORT: {address} cannot be used: {source}")]
    Port {
        /// Host and port.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The sandbox's port is taken.
    #[error("SANDBOX_PORT: port {port} cannot be used: {source}")]
    SandboxPort {
        /// The port.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the page cannot be read.
    #[error("PAGE_DIR: {0}")]
    Page(io::Error),
}

/// A running server. It ends with [`stop`](Self::stop).
#[derive(Debug)]
pub struct Server {
    url: String,
    handle: ServerHandle,
    running: JoinHandle<io::Result<()>>,
    housekeeping: JoinHandle<()>,
    sandbox: Option<Sandbox>,
    has_page: bool,
}

impl Server {
    /// Opens and migrates the database, starts the sandbox where one is wanted, and listens.
    ///
    /// # Errors
    /// [`StartError`], each with the variable to look at.
    pub async fn start(config: Config, clock: Arc<Clock>, random: Random) -> Result<Self, StartError> {
        // A second call finds one installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store =
            Store::new(config.database_url.reveal(), config.database_connections, config.database_patience)?;
        store.migrate().await?;
        let listener = std::net::TcpListener::bind((config.host, config.port)).map_err(|source| {
            StartError::Port { address: format!("{}:{}", config.host, config.port), source }
        })?;
        let port = listener.local_addr().map_or(config.port, |address| address.port());
        let url = own_url(SocketAddr::new(config.host, port));
        let sandbox = match config.sandbox {
            Some(port) => Some(start_sandbox(&config, port, &url, &clock).await?),
            None => None,
        };
        let sandbox_url = sandbox.as_ref().map(Sandbox::url);
        let provider_url = config.provider_url(sandbox_url.as_deref());
        let authy = Authy::new(&provider_url, config.authy_key.clone(), config.provider_patience);
        let second_factor = SecondFactor {
            store: store.clone(),
            provider: Arc::new(Provider::Authy(authy)),
            clock: Arc::clone(&clock),
            random,
            limits: config.limits,
            lifetimes: config.lifetimes,
            pushed: Arc::new(Notify::new()),
        };
        let confirmation = Confirmation {
            second_factor: second_factor.clone(),
            messages: messages(&config, sandbox_url.as_deref()).map(Arc::new),
            report_to: reports_come_to(&config, sandbox.is_some().then_some(&url)),
        };
        let page = Page::load(&config.page_dir, sandbox_url.as_deref()).map_err(StartError::Page)?;
        let has_page = !page.is_empty();
        let (server, handle) = listen(&config, listener, confirmation, page)?;
        Ok(Self {
            url,
            handle,
            running: tokio::spawn(server),
            housekeeping: tokio::spawn(second_factor.keep_house()),
            sandbox,
            has_page,
        })
    }

    /// The address it listens at, without a final slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The sandbox it started.
    #[must_use]
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.as_ref()
    }

    /// Whether it found a page to serve beside the API.
    #[must_use]
    pub fn has_page(&self) -> bool {
        self.has_page
    }

    /// Takes no more requests, finishes those under way, and ends.
    pub async fn stop(self) {
        self.end(true).await;
    }

    /// Ends at once, as a crash would.
    pub async fn abort(self) {
        self.end(false).await;
    }

    async fn end(self, gracefully: bool) {
        self.housekeeping.abort();
        self.handle.stop(gracefully).await;
        if let Err(error) = self.running.await {
            tracing::warn!(%error, "the server ended oddly");
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}

/// An address as browsers and proxies write it: brackets where they belong, no default port.
fn own_url(address: SocketAddr) -> String {
    let url = Url::parse(&format!("http://{address}")).expect("an address makes a URL");
    url.as_str().trim_end_matches('/').to_owned()
}

async fn start_sandbox(
    config: &Config,
    port: u16,
    url: &str,
    clock: &Arc<Clock>,
) -> Result<Sandbox, StartError> {
    // What is signed is the address the webhook is known by, so that is where it goes.
    let public = config.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
    let own = public.unwrap_or_else(|| url.to_owned());
    Sandbox::start(Settings {
        port,
        webhook_url: Some(format!("{own}{AUTHY_CALLBACK}")),
        app_url: Some(own),
        clock: Arc::<Clock>::clone(clock),
    })
    .await
    .map_err(|source| StartError::SandboxPort { port, source })
}

/// Who sends texts: the account that is set, at the sandbox where one runs and no address is set.
fn messages(config: &Config, sandbox_url: Option<&str>) -> Option<Messages> {
    let account = config.twilio.clone()?;
    let url = match (&account.url, sandbox_url) {
        (Some(url), _) => url.as_str(),
        (None, Some(sandbox)) => sandbox,
        (None, None) => crate::config::REAL_TWILIO,
    };
    Some(Messages::new(url, account.sid, account.token, account.number, config.provider_patience))
}

/// Where the provider of texts finds us: where the public does, or a sandbox of our own. What a
/// request claims of its host is no address to send anything to.
fn reports_come_to(config: &Config, beside_sandbox: Option<&String>) -> Option<String> {
    let public = config.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/'));
    let base = public.or(beside_sandbox.map(String::as_str))?;
    Some(format!("{base}{TWILIO_STATUS}"))
}

fn listen(
    config: &Config,
    listener: std::net::TcpListener,
    confirmation: Confirmation,
    page: Page,
) -> Result<(actix_web::dev::Server, ServerHandle), StartError> {
    let second_factor = confirmation.second_factor.clone();
    let accounts = Accounts {
        second_factor: second_factor.clone(),
        hasher: Hasher::new(&config.app_secret, config.bcrypt_cost),
    };
    let network = Network {
        public_url: config.public_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        count_loopback: config.mode == Mode::Production,
    };
    let store = second_factor.store.clone();
    let cookies = Cookies {
        sessions: CookieSessions {
            store: store.clone(),
            clock: Arc::clone(&second_factor.clock),
            lifetimes: second_factor.lifetimes,
        },
        app_secret: config.app_secret.clone(),
        secure: config.secure_cookies(),
    };
    let request_ids = Data::new(RequestIds::new(second_factor.random));
    let rotation = Data::new(config.token_rotation);
    let (second_factor, accounts) = (Data::new(second_factor), Data::new(accounts));
    let (network, page) = (Data::new(network), Data::new(page));
    let confirmation = Data::new(confirmation);
    let address = format!("{}:{}", config.host, config.port);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(second_factor.clone())
            .app_data(accounts.clone())
            .app_data(confirmation.clone())
            .app_data(network.clone())
            .app_data(page.clone())
            .app_data(request_ids.clone())
            .app_data(rotation.clone())
            // Made here and not outside: each worker has one of its own.
            .app_data(Data::new(Glance::new(store.clone())))
            .app_data(PayloadConfig::new(http::LARGEST_BODY))
            .configure(|app| http::routes(app, &cookies))
            .wrap(from_fn(http::around))
    })
    .disable_signals()
    .shutdown_timeout(LAST_REQUESTS_SECONDS)
    .client_request_timeout(Duration::from_secs(10))
    .listen(listener)
    .map_err(|source| StartError::Port { address, source })?
    .run();
    let handle = server.handle();
    Ok((server, handle))
}
