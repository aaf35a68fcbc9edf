//! Measures the server and a baseline in the same run: `cargo xtask bench`.
//!
//! - Status polls. Baseline: a handler that responds with the same bytes and reads nothing.
//! - Sign-ins. Baseline: bcrypt alone on the same cores.
//! - Memory, idle and after the load.
//!
//! Server and baseline are separate processes that the same client measures in turn. The result is
//! the median of three rounds. The client runs on the same cores.

#![expect(clippy::print_stdout, reason = "this program prints its results")]

mod bare;
mod load;
mod programs;

use std::{
    error::Error,
    thread,
    time::{Duration, Instant},
};

use programs::{Bare, Server};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(4);
const CONNECTIONS: usize = 32;
const COST: u32 = 12;
const PASSWORD: &str = "notes on the engine";

fn main() -> Result<()> {
    if let Some(body) = std::env::var_os(bare::BODY) {
        return bare::serve(body.to_string_lossy().into_owned());
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<()> {
    let server = Server::start().await?;
    let idle = server.memory_kilobytes()?;
    let token = server.pending_session(PASSWORD).await?;
    let body = server.status(&token).await?;
    let bare = Bare::start(&body)?;

    let (mut server_rates, mut baseline_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        baseline_rates.push(load::polls_per_second(&bare.address, None, CONNECTIONS, ROUND).await?);
        server_rates.push(load::polls_per_second(&server.address, Some(&token), CONNECTIONS, ROUND).await?);
    }
    let (rate, baseline) = (median(server_rates), median(baseline_rates));
    println!("\n  status polls per second   {rate:>9.0}");
    println!("  bare handler              {baseline:>9.0}   ({:.0} % of it)", 100.0 * rate / baseline);

    let cores = thread::available_parallelism()?.get();
    let bare_bcrypt = bcrypt_per_second(cores);
    let logins = server.logins_per_second(PASSWORD, 2 * cores, 3 * ROUND).await?;
    println!("  logins per second         {logins:>9.1}");
    println!(
        "  bare bcrypt, cost {COST}      {bare_bcrypt:>9.1}   ({:.0} % of it)",
        100.0 * logins / bare_bcrypt
    );
    println!("  memory at rest            {:>9.1} MB", idle as f64 / 1000.0);
    println!("  memory after the load     {:>9.1} MB", server.memory_kilobytes()? as f64 / 1000.0);
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Passwords checked per second by bcrypt alone on this number of threads.
fn bcrypt_per_second(threads: usize) -> f64 {
    let hash = bcrypt::hash(PASSWORD, COST).expect("the cost is valid");
    let started = Instant::now();
    let checked: usize = thread::scope(|scope| {
        let check = || {
            let mut checked = 0;
            while started.elapsed() < ROUND {
                assert!(bcrypt::verify(PASSWORD, &hash).unwrap_or(false));
                checked += 1;
            }
            checked
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(check)).collect();
        workers.into_iter().map(|worker| worker.join().expect("checking does not panic")).sum()
    });
    checked as f64 / started.elapsed().as_secs_f64()
}
