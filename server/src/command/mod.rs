//! The commands of the programs `server` and `countersign`.

mod arguments;
mod events;
mod import;
mod migrate;
mod operator;
mod rows;
mod terminal;
mod users;
mod verify_account;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    sync::Arc,
};

use thiserror::Error;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use arguments::{Command, UserCommand};
use terminal::{fail, say};

use crate::{
    config::{Config, Findings},
    domain::{clock::Clock, ids::Random, keys::KeyRing},
    services::maintenance::{self, OldKeys},
    startup::Server,
    store::{Store, StoreError},
};

/// Runs the command that the words name.
pub async fn run(words: &[String]) -> ExitCode {
    match arguments::read(words) {
        Ok(Command::Serve) => serve().await,
        Ok(Command::Check) => check().await,
        Ok(Command::Rekey) => rekey().await,
        Ok(Command::Migrate(wish)) => migrate::run(wish).await,
        Ok(Command::SetupVerify { yes }) => verify_account::setup(yes).await,
        Ok(Command::User(UserCommand::Find { named })) => users::find(&named).await,
        Ok(Command::User(UserCommand::Change(wish))) => users::change(wish).await,
        Ok(Command::User(UserCommand::Import(wish))) => import::run(wish).await,
        Ok(Command::Events(wish)) => events::run(wish).await,
        Ok(Command::Help) => {
            say(&usage());
            ExitCode::SUCCESS
        }
        Err(problem) => fail(&format!("countersign: {problem}\n\n{}", usage())),
    }
}

fn usage() -> String {
    format!("{}\n\n{}", arguments::USAGE, arguments::ACCOUNTS_USAGE)
}

/// Runs the server until it is told to stop.
pub async fn serve() -> ExitCode {
    let config = match Config::load() {
        Ok(config) => config,
        Err(problem) => return fail(&format!("countersign: {problem}")),
    };
    start_logging(&config, io::stdout, io::stdout().is_terminal());
    let examined = config.clone();
    match Server::start(config, Arc::new(Clock::machine()), Random::system()).await {
        Ok(server) => {
            tracing::info!("listening at {}", server.url());
            if !server.has_page() {
                tracing::info!("no page is built: only the API is served");
            }
            if let Some(sandbox) = server.sandbox_url() {
                tracing::info!("the sandbox's phone is at {sandbox}");
                tracing::info!(
                    "open both side by side: create an account with any number (nothing is sent anywhere), \
                     log out, log in again, and approve on the phone"
                );
            }
            // Beside everything else: a provider that cannot be reached keeps nobody waiting.
            let examining = tokio::spawn(async move { verify_account::warn_of_misfits(&examined).await });
            stop_signal().await;
            examining.abort();
            tracing::info!("stopping");
            server.stop().await;
            ExitCode::SUCCESS
        }
        Err(problem) => fail(&format!("countersign: {problem}")),
    }
}

/// Prints every problem and weak spot of the settings; fails where there is a problem.
async fn check() -> ExitCode {
    let Findings { config, problems, weak_spots } = Config::examine();
    for problem in &problems {
        say(&format!("problem: {problem}"));
    }
    for spot in &weak_spots {
        say(&format!("weak: {spot}"));
    }
    let Some(config) = config else {
        say("the server does not start with these settings");
        return ExitCode::FAILURE;
    };
    if !config.page_dir.join("index.html").exists() {
        say("weak: PAGE_DIR: no page is built there: only the API is served");
    }
    match old_keys(&config).await {
        Ok(Err(unmigrated)) => say(&unmigrated.to_string()),
        Ok(Ok(OldKeys { secrets, unreadable_secrets, passwords })) => {
            say(&format!("under another key: {secrets} authenticator secrets, {passwords} passwords"));
            if unreadable_secrets > 0 {
                say(&format!(
                    "problem: {unreadable_secrets} of the secrets open with neither APP_SECRET nor APP_SECRET_PREVIOUS"
                ));
                return ExitCode::FAILURE;
            }
        }
        Err(error) => {
            say(&format!("problem: DATABASE_URL: the database cannot be used: {}", causes(&error)));
            return ExitCode::FAILURE;
        }
    }
    let mut is_fit = true;
    for finding in verify_account::examine(&config).await {
        is_fit &= !finding.is_problem;
        say(&finding.to_string());
    }
    say("the server starts with these settings");
    if is_fit { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn old_keys(config: &Config) -> Result<Result<OldKeys, Unmigrated>, StoreError> {
    Ok(match open(config).await? {
        Ok((store, keys)) => Ok(maintenance::old_keys(&store, &keys).await?),
        Err(unmigrated) => Err(unmigrated),
    })
}

/// Encrypts all secrets in the database under the current key again.
async fn rekey() -> ExitCode {
    let config = match Config::load() {
        Ok(config) => config,
        Err(problem) => return fail(&format!("countersign: {problem}")),
    };
    let sealed_again = async {
        let (store, keys) = match open(&config).await? {
            Ok(opened) => opened,
            Err(unmigrated) => return Ok(Err(unmigrated)),
        };
        let count = maintenance::rekey(&store, &keys, Random::system()).await?;
        Ok::<_, StoreError>(Ok((count, maintenance::old_keys(&store, &keys).await?)))
    };
    match sealed_again.await {
        Ok(Err(unmigrated)) => fail(&format!("countersign: {unmigrated}")),
        Ok(Ok((count, left))) => {
            say(&format!("{count} authenticator secrets were encrypted again"));
            say(&format!(
                "under another key: {} authenticator secrets, {} passwords (each is hashed again at its owner's next sign-in)",
                left.secrets, left.passwords
            ));
            ExitCode::SUCCESS
        }
        Err(error) => {
            fail(&format!("countersign: DATABASE_URL: the database cannot be used: {}", causes(&error)))
        }
    }
}

/// Why a command has nothing to work on. Only `serve` makes and migrates a database: a command that is
/// run before an upgrade must not.
#[derive(Debug, Error)]
enum Unmigrated {
    #[error("the database does not exist yet; the first start creates it")]
    Missing,
    #[error("the database is empty; the first start creates its tables")]
    Empty,
    #[error("the database is of an earlier version; back it up, and the next start migrates it")]
    Earlier,
}

async fn open(config: &Config) -> Result<Result<(Store, KeyRing), Unmigrated>, StoreError> {
    let store = Store::new(config.database_url.reveal(), 1, config.database_timeout)?;
    if store.is_missing() {
        return Ok(Err(Unmigrated::Missing));
    }
    if !store.is_ready().await? {
        return Ok(Err(if store.is_empty().await? { Unmigrated::Empty } else { Unmigrated::Earlier }));
    }
    Ok(Ok((store, KeyRing::new(config.app_secret.clone(), config.app_secret_previous.clone()))))
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

/// `colours` are for people who look at a terminal.
fn start_logging<W>(config: &Config, to: W, colours: bool)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::new(&config.log_filter);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(colours)
        .with_writer(to);
    if config.log_json {
        log.json().flatten_event(true).init();
    } else {
        log.init();
    }
}

/// Returns at SIGTERM, or at an interrupt from the keyboard.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
