//! `cargo run -p sandbox`: the sandbox alone, for any client that is configured with its URL.

use std::{
    env,
    io::{self, IsTerminal},
    process::ExitCode,
};

use sandbox::{Sandbox, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_target(false).with_ansi(io::stdout().is_terminal()).init();
    let settings = match settings() {
        Ok(settings) => settings,
        Err(message) => {
            tracing::error!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let (port, webhook_url) = (settings.port, settings.webhook_url.clone());
    match Sandbox::start(settings).await {
        Ok(sandbox) => {
            tracing::info!("phone and provider API at {}", sandbox.url());
            tracing::info!("API key: {}", sandbox::API_KEY);
            tracing::info!("webhook: {}", webhook_url.as_deref().unwrap_or("none"));
            let stopped = tokio::signal::ctrl_c().await;
            sandbox.stop().await;
            if stopped.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            tracing::error!("SANDBOX_PORT: port {port} cannot be used: {error}");
            ExitCode::FAILURE
        }
    }
}

fn settings() -> Result<Settings, String> {
    let port = match env::var("SANDBOX_PORT") {
        Ok(port) => port.parse().map_err(|_| format!("SANDBOX_PORT: {port:?} is not a port"))?,
        Err(_) => 3001,
    };
    let webhook_url = env::var("WEBHOOK_URL")
        .unwrap_or_else(|_| format!("http://127.0.0.1:3000{}", shared::routes::AUTHY_CALLBACK));
    let webhook_url = (!webhook_url.is_empty()).then_some(webhook_url);
    let verify_webhook_url = env::var("VERIFY_WEBHOOK_URL")
        .unwrap_or_else(|_| format!("http://127.0.0.1:3000{}", shared::routes::TWILIO_VERIFY));
    let verify_webhook_url = (!verify_webhook_url.is_empty()).then_some(verify_webhook_url);
    Ok(Settings { port, webhook_url, verify_webhook_url, ..Settings::default() })
}
