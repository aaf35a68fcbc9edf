//! The server and its operator's commands: `countersign [serve | check | rekey | …]`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    server::command::run(&words).await
}
