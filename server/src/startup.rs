//! From a configuration to a server that listens. Production and tests start the same one.

mod app_services;
mod emulator;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    middleware::from_fn,
    web::{Data, PayloadConfig},
};
use shared::routes::TWILIO_STATUS;
use thiserror::Error;
use tokio::task::JoinHandle;
use url::Url;

use app_services::AppServices;
use emulator::Emulator;

use crate::{
    config::{Config, EXPOSED_DATABASE, Mode, ProviderAccounts},
    domain::{
        clock::Clock,
        ids::{Random, RequestIds},
        keys::KeyRing,
        password::PasswordHasher,
        secret::Secret,
    },
    http::{self, Connections, Cookies, Network, page::Page},
    provider::{Authy, Mailer, Messages, Provider, ProviderKind, Providers, Verify},
    services::{
        Context, Settings, background, confirmations::Confirmations, hub::Hub, password_work::PasswordWork,
        sessions::Sessions, status::StatusReader,
    },
    store::{Store, StoreError},
};

/// How long requests may still take when the server is told to stop.
const SHUTDOWN_SECONDS: u64 = 10;
/// A request's head has to arrive within this time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept: longer than proxies keep theirs, usually a minute. A request that
/// is sent while one closes would fail.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

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
    background: JoinHandle<()>,
    emulator: Emulator,
    hub: Arc<Hub>,
    context: Arc<Context>,
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
            Store::new(config.database_url.reveal(), config.database_connections, config.database_timeout)?;
        if config.mode == Mode::Production && store.is_exposed() {
            tracing::warn!("{EXPOSED_DATABASE}");
        }
        store.migrate().await?;
        let listener = std::net::TcpListener::bind((config.host, config.port)).map_err(|source| {
            StartError::Port { address: format!("{}:{}", config.host, config.port), source }
        })?;
        let port = listener.local_addr().map_or(config.port, |address| address.port());
        let url = own_url(SocketAddr::new(config.host, port));
        let emulator = Emulator::start(&config, &url, &clock).await?;
        let sandbox_url = emulator.url();
        let providers = providers(&config, sandbox_url.as_deref(), random);
        let keys = KeyRing::new(config.app_secret.clone(), config.app_secret_previous.clone());
        let mailer = mailer(&config, emulator.smtp_url());
        let base_url = base_url(&config, &url);
        let context = context(&config, store, providers.clone(), clock, random, mailer, base_url);
        let page = Page::load(&config.page_dir, sandbox_url.as_deref()).map_err(StartError::Page)?;
        let has_page = !page.is_empty();
        let report_to = report_address(&config, sandbox_url.is_some().then_some(&url));
        let messages = messages(&config, sandbox_url.as_deref()).map(Arc::new);
        let parts = Parts {
            confirmations: Confirmations::new(Arc::clone(&context), messages, report_to),
            context: Arc::clone(&context),
            providers,
            keys,
            page,
            request_ids: RequestIds::new(random),
            random,
        };
        let hub = context.hub();
        let (server, handle) = listen(&config, listener, parts)?;
        Ok(Self {
            url,
            handle,
            running: tokio::spawn(server),
            background: tokio::spawn(background::run(Arc::clone(&context))),
            emulator,
            hub,
            context,
            has_page,
        })
    }

    /// The address it listens at, without a final slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The sandbox it started.
    #[cfg(feature = "emulator")]
    #[must_use]
    pub fn sandbox(&self) -> Option<&sandbox::Sandbox> {
        self.emulator.sandbox()
    }

    /// The address of the sandbox it started.
    #[must_use]
    pub fn sandbox_url(&self) -> Option<String> {
        self.emulator.url()
    }

    /// Whether it found a page to serve beside the API.
    #[must_use]
    pub fn has_page(&self) -> bool {
        self.has_page
    }

    /// Accepts no more requests, finishes those under way, and ends.
    pub async fn stop(self) {
        self.end(true).await;
    }

    /// Ends at once, as a crash would.
    pub async fn abort(self) {
        self.end(false).await;
    }

    async fn end(self, gracefully: bool) {
        self.background.abort();
        if gracefully {
            // Whoever waits is told to ask again: another server, or this one when it is back.
            self.hub.close();
        }
        self.handle.stop(gracefully).await;
        if gracefully {
            background::finish(&self.context).await;
        }
        if let Err(error) = self.running.await {
            tracing::warn!(%error, "the server's task ended with an error");
        }
        self.emulator.stop().await;
    }
}

/// An address as browsers and proxies write it: brackets where they belong, no default port.
fn own_url(address: SocketAddr) -> String {
    let url = Url::parse(&format!("http://{address}")).expect("an address makes a URL");
    url.as_str().trim_end_matches('/').to_owned()
}

/// Who sends codes and approval requests: the provider that is set, and the other one for users who are still there.
pub(crate) fn providers(config: &Config, sandbox_url: Option<&str>, random: Random) -> Providers {
    let timeout = config.provider_timeout;
    let ProviderAccounts { current, authy, verify } = &config.providers;
    let authy = authy.as_ref().map(|account| {
        Provider::Authy(Authy::new(&config.authy_url(account, sandbox_url), account.key.clone(), timeout))
    });
    let verify = verify.as_ref().map(|account| {
        let url = config.verify_url(account, sandbox_url);
        let (credentials, services) = (account.credentials.clone(), account.services.clone());
        Provider::Verify(Verify::new(&url, credentials, services, timeout, random))
    });
    let (current, other) = match current {
        ProviderKind::Authy => (authy, verify),
        ProviderKind::Verify => (verify, authy),
    };
    let current = current.expect("the configuration has an account at its provider");
    Providers::new(current, other.into_iter().collect())
}

/// What all services share, also those of commands.
pub(crate) fn context(
    config: &Config,
    store: Store,
    providers: Providers,
    clock: Arc<Clock>,
    random: Random,
    mailer: Option<Mailer>,
    base_url: String,
) -> Arc<Context> {
    let settings = Settings {
        limits: config.limits,
        lifetimes: config.lifetimes,
        base_url,
        events_days: config.events_days,
        push_match: config.push_match,
        channels: config.channels.clone(),
        numbers: config.numbers.clone(),
        rotation: config.token_rotation,
        app_name: config.app_name.clone(),
        unverified_accounts_days: config.unverified_accounts_days,
        most_waiting: config.most_waiting,
    };
    let keys = KeyRing::new(config.app_secret.clone(), config.app_secret_previous.clone());
    Context::new(store, providers, clock, random, keys, settings, mailer)
}

/// The same for a command: what it queues and records, a server sends and `background::finish` stores.
pub(crate) fn for_command(
    config: &Config,
    store: Store,
    providers: Providers,
    random: Random,
) -> Arc<Context> {
    let url = own_url(SocketAddr::new(config.host, config.port));
    let (mailer, base_url) = (mailer(config, None), base_url(config, &url));
    context(config, store, providers, Arc::new(Clock::machine()), random, mailer, base_url)
}

/// Who sends e-mail: the server that is set, or the sandbox's mailbox where it runs.
pub(crate) fn mailer(config: &Config, sandbox: Option<String>) -> Option<Mailer> {
    let url = config.mail.url.clone().or_else(|| sandbox.map(Secret::new))?;
    Mailer::new(&url, &config.mail.from)
}

/// The address people use, without a final slash. The host a request claims has no say in it.
pub(crate) fn base_url(config: &Config, own: &str) -> String {
    let public = config.public_url.as_ref().map(Url::as_str);
    public.unwrap_or(own).trim_end_matches('/').to_owned()
}

/// Who sends texts: the account that is set, at the sandbox where one runs and no address is set.
fn messages(config: &Config, sandbox_url: Option<&str>) -> Option<Messages> {
    let account = config.twilio.clone()?;
    let url = config.twilio_url(&account, sandbox_url);
    Some(Messages::new(&url, account.sid, account.token, account.number, config.provider_timeout))
}

/// Where delivery reports come: to the public address, or beside the sandbox to our own. The host a
/// request claims is not trusted with it.
fn report_address(config: &Config, beside_sandbox: Option<&String>) -> Option<String> {
    let public = config.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/'));
    let base = public.or(beside_sandbox.map(String::as_str))?;
    Some(format!("{base}{TWILIO_STATUS}"))
}

/// What the handlers are made of.
struct Parts {
    context: Arc<Context>,
    confirmations: Confirmations,
    providers: Providers,
    keys: KeyRing,
    page: Page,
    request_ids: RequestIds,
    random: Random,
}

fn listen(
    config: &Config,
    listener: std::net::TcpListener,
    parts: Parts,
) -> Result<(actix_web::dev::Server, ServerHandle), StartError> {
    let Parts { context, confirmations, providers, keys, page, request_ids, random } = parts;
    let (hashing_keys, cost) = (keys.clone(), config.bcrypt_cost);
    let passwords = PasswordWork::start(&PasswordHasher::new(hashing_keys, cost));
    let services = AppServices::new(&context, passwords, confirmations);
    let sessions = Sessions::new(Arc::clone(&context));
    let cookies = Cookies { sessions, keys, secure: config.secure_cookies() };
    let network = Data::new(Network {
        public_url: config.public_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        limit_loopback: config.mode == Mode::Production,
        ..Network::default()
    });
    let providers = Data::new(providers);
    let (page, request_ids, cookies) = (Data::new(page), Data::new(request_ids), Data::new(cookies));
    let address = format!("{}:{}", config.host, config.port);
    let (connections, exempting) = (Connections::default(), network.clone());
    let server = HttpServer::new(move || {
        App::new()
            .configure(|app| services.register(app))
            .app_data(providers.clone())
            .app_data(network.clone())
            .app_data(page.clone())
            .app_data(Data::new(random))
            .app_data(request_ids.clone())
            .app_data(cookies.clone())
            // Made here and not outside: each worker has one of its own.
            .app_data(Data::new(StatusReader::new(Arc::clone(&context))))
            .app_data(PayloadConfig::new(http::LARGEST_BODY))
            .configure(|app| http::routes(app, &cookies))
            .wrap(from_fn(http::around))
    })
    .on_connect(move |connection, data| {
        connections.opened(connection, data, |peer| exempting.is_exempt_from_connection_limit(peer));
    })
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    .listen(listener)
    .map_err(|source| StartError::Port { address, source })?
    .run();
    let handle = server.handle();
    Ok((server, handle))
}
