//! `cargo xtask bench`: measures the server and its yardsticks in one run.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    node, page,
    postgres::Cluster,
    step::{Result, cargo, root, step, succeed, target},
    tools,
};

/// Writes the figures of the last run into the documents.
pub fn docs() -> Result {
    succeed(&mut cargo(&["run", "--quiet", "--package", "bench", "--", "docs"]))
}

/// `parts` of the program `bench`; all if there are none.
pub fn bench(parts: &[&str]) -> Result {
    let wanted = |part: &str| parts.is_empty() || parts.contains(&part);
    tools::openssl_headers()?;
    page::build()?;
    let mut variables = Vec::new();
    if wanted("first-run") {
        let seconds = step("Measuring the first run of a fresh clone (five minutes)", first_run)?;
        variables.push(("BENCH_FIRST_RUN", seconds.as_secs_f64().to_string()));
    }
    step("Building in release mode (five minutes the first time)", || {
        succeed(&mut cargo(&["build", "--release", "--package", "server", "--package", "bench"]))
    })?;
    if wanted("page") {
        node::packages()?;
        let chromium = node::chromium()?;
        let server = target().join("release").join("server").display().to_string();
        let paint = step("Measuring the page over a slow line", || node::first_paint(&server, &chromium))?;
        variables.push(("BENCH_FIRST_VIEW", page::first_view_size()?.to_string()));
        variables.push(("BENCH_FIRST_PAINT", paint.paint.to_string()));
        variables.push(("BENCH_FIRST_FIELD", paint.field.to_string()));
    }
    let cluster = step("Starting a temporary PostgreSQL", Cluster::start_durable)?;
    step("Measuring (twenty minutes)", || {
        let mut bench = cargo(&["run", "--release", "--quiet", "--package", "bench", "--"]);
        bench.args(parts).current_dir(root()).envs(variables);
        bench.env("BENCH_POSTGRES", cluster.url()).env("BENCH_POSTGRES_PROGRAMS", cluster.program_folder());
        succeed(&mut bench)
    })?;
    println!("\n  The results are in target/bench as JSON, as a table and as a plot.");
    println!("  `cargo xtask bench docs` writes them into the documents.");
    Ok(())
}

/// How long `cargo xtask run` takes until the server listens, in a fresh clone without installed tools. The crates
/// are downloaded already.
fn first_run() -> Result<Duration> {
    let folder = target().join("first-run");
    // What an earlier run left, if any.
    let _ = std::fs::remove_dir_all(&folder);
    let clone = folder.join("clone");
    succeed(Command::new("git").args(["clone", "--quiet"]).arg(root()).arg(&clone))?;
    let log = folder.join("errors.log");
    let errors = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let [port, sandbox_port] = [free_port()?, free_port()?];
    let mut command = cargo(&["xtask", "run"]);
    command.current_dir(&clone).env_remove("CARGO_TARGET_DIR").env("XDG_CACHE_HOME", folder.join("cache"));
    command.env("PORT", port.to_string()).env("SANDBOX_PORT", sandbox_port.to_string());
    command.stdout(Stdio::piped()).stderr(errors);
    let began = Instant::now();
    let mut run = Running(command.spawn().map_err(|error| format!("cargo cannot be run: {error}"))?);
    let printed = BufReader::new(run.0.stdout.take().ok_or("it prints nothing")?);
    let listens = format!("listening at http://127.0.0.1:{port}");
    let mut lines = printed.lines().map_while(std::result::Result::ok);
    if !lines.any(|line| line.contains(&listens)) {
        return Err(format!("it did not start: {}", log.display()));
    }
    let took = began.elapsed();
    drop(run);
    // A gigabyte; what cannot be removed is removed before the next run.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(took)
}

/// A process that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}
