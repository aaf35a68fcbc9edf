//! Measures the server and its yardsticks in the same run: `cargo xtask bench`.
//!
//! Server, yardstick and load run on the same cores, the first two as processes of their own. Where a rate is
//! compared with a yardstick, both are measured in turn and the medians of the rounds are compared. The targets
//! are those of `docs/PERFORMANCE.md`.

#![expect(clippy::print_stdout, reason = "this program prints its results")]

mod data;
mod docs;
mod filled;
mod growth;
mod helper;
mod load;
mod measure;
mod programs;
mod report;
mod streams;

use std::{error::Error, path::Path, thread};

use programs::Postgres;
use report::Report;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    if let Ok(role) = std::env::var(helper::ROLE) {
        return helper::serve(&role, std::env::var(helper::VALUE)?);
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<()> {
    let only: Vec<String> = std::env::args().skip(1).collect();
    let mut report = Report { cores: thread::available_parallelism()?.get(), ..Report::default() };
    let wanted = |part: &str| only.is_empty() || only.iter().any(|only| only == part);
    if only == ["docs"] {
        return docs::write(Path::new("."));
    }
    if wanted("page") || wanted("first-run") {
        measure::page(&mut report)?;
    }
    if wanted("start") {
        measure::start(&mut report).await?;
    }
    if wanted("sqlite") {
        measure::sqlite(&mut report).await?;
    }
    if wanted("passwords") {
        measure::passwords(&mut report).await?;
    }
    if wanted("streams") {
        measure::open_streams(&mut report).await?;
        measure::approvals_on_one_server(&mut report).await?;
    }
    if wanted("growth") {
        growth::growth(&mut report, None).await?;
    }
    if wanted("cleaning") {
        growth::cleaning(&mut report, None, !only.is_empty()).await?;
    }
    if let Some(postgres) = Postgres::from_environment() {
        if wanted("postgres") {
            measure::postgres(&mut report, &postgres).await?;
        }
        if wanted("servers") {
            measure::approvals_on_two_servers(&mut report, &postgres).await?;
        }
        if wanted("growth") {
            growth::growth(&mut report, Some(&postgres)).await?;
        }
        if wanted("cleaning") {
            growth::cleaning(&mut report, Some(&postgres), !only.is_empty()).await?;
        }
    }
    report.write(Path::new("target/bench"))
}
