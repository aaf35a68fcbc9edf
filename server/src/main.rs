//! The server: reads the configuration, starts logging, runs.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        eprintln!("server takes no arguments; the program countersign has commands");
        return ExitCode::FAILURE;
    }
    server::command::serve().await
}
