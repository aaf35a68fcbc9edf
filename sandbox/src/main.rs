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
    let webhook_url = settings.webhook_url.clone();
    let (port, smtp_port) = (settings.port, settings.smtp_port.unwrap_or_default());
    match Sandbox::start(settings).await {
        Ok(sandbox) => {
            tracing::info!("phone and provider API at {}", sandbox.url());
            tracing::info!("API key: {}", sandbox::API_KEY);
            tracing::info!("e-mails by SMTP: {}", sandbox.smtp_url().as_deref().unwrap_or("none"));
            tracing::info!("webhook: {}", webhook_url.as_deref().unwrap_or("none"));
            let stopped = tokio::signal::ctrl_c().await;
            sandbox.stop().await;
            if stopped.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            tracing::error!(
                "a port cannot be used (SANDBOX_PORT={port}, SANDBOX_SMTP_PORT={smtp_port}): {error}"
            );
            ExitCode::FAILURE
        }
    }
}

fn settings() -> Result<Settings, String> {
    let http_port = port("SANDBOX_PORT", 3001)?;
    let smtp_port = match env::var("SANDBOX_SMTP_PORT").as_deref() {
        Ok("") => None,
        _ => Some(port("SANDBOX_SMTP_PORT", 3025)?),
    };
    let webhook_url = env::var("WEBHOOK_URL")
        .unwrap_or_else(|_| format!("http://127.0.0.1:3000{}", shared::routes::AUTHY_CALLBACK));
    let webhook_url = (!webhook_url.is_empty()).then_some(webhook_url);
    let verify_webhook_url = env::var("VERIFY_WEBHOOK_URL")
        .unwrap_or_else(|_| format!("http://127.0.0.1:3000{}", shared::routes::TWILIO_VERIFY));
    let verify_webhook_url = (!verify_webhook_url.is_empty()).then_some(verify_webhook_url);
    Ok(Settings { port: http_port, smtp_port, webhook_url, verify_webhook_url, ..Settings::default() })
}

fn port(variable: &str, default: u16) -> Result<u16, String> {
    match env::var(variable) {
        Ok(port) => port.parse().map_err(|_| format!("{variable}: {port:?} is not a port")),
        Err(_) => Ok(default),
    }
}
