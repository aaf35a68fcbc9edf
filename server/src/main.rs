//! The server: reads the configuration, starts logging, runs.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::command::serve().await
}
