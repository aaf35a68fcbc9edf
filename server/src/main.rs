//! Reads the configuration, starts logging, runs.

use std::{io::IsTerminal, process::ExitCode, sync::Arc};

use server::{
    config::Config,
    domain::{clock::Clock, ids::Random},
    startup::Server,
};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let config = match Config::load() {
        Ok(config) => config,
        Err(problem) => {
            // Logging is not set up yet, and this line is all there is to say.
            eprintln!("countersign: {problem}");
            return ExitCode::FAILURE;
        }
    };
    start_logging(config.log_json);
    match Server::start(config, Arc::new(Clock::machine()), Random::system()).await {
        Ok(server) => {
            tracing::info!("listening at {}", server.url());
            if !server.has_page() {
                tracing::info!("no page is built: the API alone is served");
            }
            if let Some(sandbox) = server.sandbox() {
                tracing::info!("the sandbox's phone is at {}", sandbox.url());
                tracing::info!(
                    "open both beside each other: create an account with any number (nothing is sent anywhere), \
                     log out, log in again, and approve on the phone"
                );
            }
            told_to_stop().await;
            tracing::info!("stopping");
            server.stop().await;
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("countersign: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn start_logging(json: bool) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    // Colours are for people who look at a terminal.
    let colours = std::io::stdout().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(colours);
    if json {
        log.json().flatten_event(true).init();
    } else {
        log.init();
    }
}

/// Returns at SIGTERM, or at an interrupt from the keyboard.
async fn told_to_stop() {
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
