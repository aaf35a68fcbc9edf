//! Measures the server beside a yardstick in the same run: `cargo xtask bench`.
//!
//! - status polls, beside a bare handler that answers the same bytes and looks nothing up;
//! - logins, beside bare bcrypt on the same cores;
//! - memory at rest.
//!
//! Each side of a pair is a process of its own, asked by the same client in turn, and the middle of
//! three rounds counts. The client shares the cores with both.

#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

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
    let at_rest = server.memory_kilobytes()?;
    let token = server.pending_session(PASSWORD).await?;
    let body = server.status(&token).await?;
    let bare = Bare::start(&body)?;

    let (mut ours, mut yardstick) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        yardstick.push(load::polls_per_second(&bare.address, None, CONNECTIONS, ROUND).await?);
        ours.push(load::polls_per_second(&server.address, Some(&token), CONNECTIONS, ROUND).await?);
    }
    let (ours, yardstick) = (middle(ours), middle(yardstick));
    println!("\n  status polls per second   {ours:>9.0}");
    println!("  bare handler              {yardstick:>9.0}   ({:.0} % of it)", 100.0 * ours / yardstick);

    let cores = thread::available_parallelism()?.get();
    let bare_bcrypt = bcrypt_per_second(cores);
    let logins = server.logins_per_second(PASSWORD, 2 * cores, 3 * ROUND).await?;
    println!("  logins per second         {logins:>9.1}");
    println!(
        "  bare bcrypt, cost {COST}      {bare_bcrypt:>9.1}   ({:.0} % of it)",
        100.0 * logins / bare_bcrypt
    );
    println!("  memory at rest            {:>9.1} MB", at_rest as f64 / 1000.0);
    println!("  memory after the load     {:>9.1} MB", server.memory_kilobytes()? as f64 / 1000.0);
    Ok(())
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Passwords checked per second by nothing but bcrypt on so many threads.
fn bcrypt_per_second(threads: usize) -> f64 {
    let hash = bcrypt::hash(PASSWORD, COST).expect("the cost is legal");
    let began = Instant::now();
    let checked: usize = thread::scope(|scope| {
        let check = || {
            let mut checked = 0;
            while began.elapsed() < ROUND {
                assert!(bcrypt::verify(PASSWORD, &hash).unwrap_or(false));
                checked += 1;
            }
            checked
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(check)).collect();
        workers.into_iter().map(|worker| worker.join().expect("checking does not panic")).sum()
    });
    checked as f64 / began.elapsed().as_secs_f64()
}
