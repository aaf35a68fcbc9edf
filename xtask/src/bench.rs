//! `cargo xtask bench`: measures the server and its yardsticks in one run.

use crate::{
    page,
    postgres::Cluster,
    step::{Result, cargo, root, step, succeed},
    tools,
};

/// `parts` of the program `bench`; all if there are none.
pub fn bench(parts: &[&str]) -> Result {
    tools::openssl_headers()?;
    page::build()?;
    step("Building in release mode (five minutes the first time)", || {
        succeed(&mut cargo(&["build", "--release", "--package", "server", "--package", "bench"]))
    })?;
    let cluster = step("Starting a temporary PostgreSQL", Cluster::start_durable)?;
    step("Measuring (five minutes)", || {
        let mut bench = cargo(&["run", "--release", "--quiet", "--package", "bench", "--"]);
        bench.args(parts).current_dir(root());
        bench.env("BENCH_POSTGRES", cluster.url()).env("BENCH_POSTGRES_PROGRAMS", cluster.program_folder());
        bench.env("BENCH_FIRST_VIEW", page::first_view_size()?.to_string());
        succeed(&mut bench)
    })?;
    println!("\n  The results are in target/bench as JSON, as a table and as a plot.");
    Ok(())
}
