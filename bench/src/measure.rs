//! The measurements, a function for each set-up.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    data::{self, Waiting},
    helper,
    load::{self, Requests, percentile},
    programs::{Database, EMAIL, Helper, PASSWORD, Postgres, Process, Server},
    report::{
        Aim::{AtLeast, AtMost},
        Report, Row, Yardstick, plain,
    },
    streams::{Streams, webhook},
};

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(4);
const CONNECTIONS: usize = 64;
/// Sessions of which each is polled so seldom that nobody waits for it.
const SELDOM_POLLED: usize = 40_000;
/// Open when the memory of open streams is looked at first.
const FEW_STREAMS: usize = 1000;
const WEBHOOKS: usize = 60_000;
/// The default number of database connections.
const DATABASE_CONNECTIONS: usize = 8;
const COST: u32 = 12;

/// What `xtask` has measured of the page and of the first run, as it says in these variables.
pub(crate) fn page(report: &mut Report) -> Result<()> {
    let given: [(&str, &str, f64, &'static str, f64); 4] = [
        ("BENCH_FIRST_RUN", "first run from a fresh clone, without tools", 1.0, "s", 360.0),
        ("BENCH_FIRST_VIEW", "first view of the page, all files, brotli", 1000.0, "kB", 120.0),
        ("BENCH_FIRST_PAINT", "first paint with content, 1.6 Mbit/s and 150 ms", 1000.0, "s", 0.7),
        ("BENCH_FIRST_FIELD", "first field usable, 1.6 Mbit/s and 150 ms", 1000.0, "s", 1.5),
    ];
    for (variable, name, divisor, unit, target) in given {
        if let Ok(value) = std::env::var(variable) {
            report.add(plain(name, value.parse::<f64>()? / divisor, unit, target));
        }
    }
    Ok(())
}

/// Starting, and memory at rest.
pub(crate) async fn start(report: &mut Report) -> Result<()> {
    let database = Database::sqlite()?;
    drop(Server::start(&database, COST).await?);
    let server = Server::start(&database, COST).await?;
    let ms = server.started_in.as_secs_f64() * 1000.0;
    report.add(plain("start to first response, existing database", ms, "ms", 200.0));
    report.add(plain("memory at rest", server.process.memory()?, "MB", 20.0));
    Ok(())
}

/// Polls, webhooks and memory on SQLite.
pub(crate) async fn sqlite(report: &mut Report) -> Result<()> {
    let database = Database::sqlite()?;
    let server = Server::start(&database, COST).await?;
    server.sign_up().await?;
    let bare = polls(report, &server, "SQLite", 0.75).await?;
    server.logins_per_second(4, ROUND).await?;
    report.add(plain("memory after polls and logins", server.process.memory()?, "MB", 32.0));
    webhooks(report, &server, &database, "SQLite", bare).await
}

/// The same on PostgreSQL, and polls that ask the database.
pub(crate) async fn postgres(report: &mut Report, postgres: &Postgres) -> Result<()> {
    let pgbench = postgres.reads_per_second(DATABASE_CONNECTIONS, ROUND)?;
    let database = postgres.database("bench")?;
    let server = Server::start(&database, COST).await?;
    server.sign_up().await?;
    let bare = polls(report, &server, "PostgreSQL", 0.3).await?;
    let people = data::add(&database.url, EMAIL, SELDOM_POLLED).await?;
    let polls = people.iter().map(|person| load::poll(&server.address, Some(&person.token))).collect();
    let requests = Requests::again_and_again(polls);
    let rate = load::per_second(&server.address, requests, CONNECTIONS, ROUND).await?;
    report.add(Row {
        name: "polls of sessions nobody waits for, PostgreSQL".to_owned(),
        value: rate,
        unit: "/s".into(),
        yardstick: Some(Yardstick { name: "pgbench -S".into(), value: pgbench }),
        aim: AtLeast,
        target: 0.5,
    });
    webhooks(report, &server, &database, "PostgreSQL", bare).await
}

/// Polls of one session beside the bare handler; returns the rate of that.
async fn polls(report: &mut Report, server: &Server, name: &str, target: f64) -> Result<f64> {
    let token = server.log_in().await?;
    let bare = Helper::start(helper::BARE, &server.status(&token).await?)?;
    let (mut own, mut yardstick) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let request = Requests::again_and_again(vec![load::poll(&bare.address, None)]);
        yardstick.push(load::per_second(&bare.address, request, CONNECTIONS, ROUND).await?);
        let request = Requests::again_and_again(vec![load::poll(&server.address, Some(&token))]);
        own.push(load::per_second(&server.address, request, CONNECTIONS, ROUND).await?);
    }
    let (value, bare) = (median(own), median(yardstick));
    let name = format!("status polls, {CONNECTIONS} connections, {name}");
    report.add(Row { name, value, unit: "/s".into(), yardstick: beside_bare(bare), aim: AtLeast, target });
    Ok(bare)
}

/// Signed webhooks, each of which approves a request of its own.
async fn webhooks(
    report: &mut Report,
    server: &Server,
    database: &Database,
    name: &str,
    bare: f64,
) -> Result<()> {
    let people = data::add(&database.url, EMAIL, WEBHOOKS).await?;
    let requests = Requests::once(people.iter().map(|person| webhook(&server.address, person)).collect());
    let value = load::per_second(&server.address, requests, CONNECTIONS, ROUND).await?;
    let name = format!("webhooks, each its own approval, {name}");
    report.add(Row {
        name,
        value,
        unit: "/s".into(),
        yardstick: beside_bare(bare),
        aim: AtLeast,
        target: 0.05,
    });
    Ok(())
}

/// Logins beside bare bcrypt, and polls while they take all cores.
pub(crate) async fn passwords(report: &mut Report) -> Result<()> {
    let cores = thread::available_parallelism()?.get();
    for cost in [10, COST] {
        let database = Database::sqlite()?;
        let server = Server::start(&database, cost).await?;
        server.sign_up().await?;
        let (mut own, mut yardstick) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            yardstick.push(bcrypt_per_second(cost, cores));
            own.push(server.logins_per_second(2 * cores, 2 * ROUND).await?);
        }
        report.add(Row {
            name: format!("logins, cost {cost}"),
            value: median(own),
            unit: "/s".into(),
            yardstick: Some(Yardstick { name: "bare bcrypt".into(), value: median(yardstick) }),
            aim: AtLeast,
            target: 0.95,
        });
        if cost == COST {
            // Somebody else: whoever logs in again and again ends their older sessions.
            let waiting = data::add(&database.url, EMAIL, 1).await?;
            polls_beside_logins(report, &server, &waiting[0], 2 * cores).await?;
        }
    }
    Ok(())
}

async fn polls_beside_logins(
    report: &mut Report,
    server: &Server,
    waiting: &Waiting,
    logins: usize,
) -> Result<()> {
    const RATE: u32 = 500;
    const LEAST_MS: f64 = 10.0;
    let request = load::poll(&server.address, Some(&waiting.token));
    let idle = load::at_rate(&server.address, request.clone(), RATE, 2 * ROUND).await?;
    let idle = percentile(idle, 99.0);
    let busy = load::at_rate(&server.address, request, RATE, 2 * ROUND);
    let (busy, _) = tokio::try_join!(busy, server.logins_per_second(logins, 2 * ROUND))?;
    report.add(Row {
        name: format!("p99 of {RATE} polls/s while logins take all cores"),
        value: percentile(busy, 99.0),
        unit: "ms".into(),
        yardstick: None,
        aim: AtMost,
        target: (2.5 * idle).max(LEAST_MS),
    });
    report.add(plain(&format!("p99 of {RATE} polls/s without them"), idle, "ms", LEAST_MS));
    Ok(())
}

/// What an open stream costs, and what one costs that a bare handler never ends.
pub(crate) async fn open_streams(report: &mut Report) -> Result<()> {
    const MANY: usize = 15_000;
    let (_database, server, people) = people_waiting(Database::sqlite()?, MANY).await?;
    let own = memory_per_stream(&server.process, &server.address, &people).await?;
    let bare = Helper::start(helper::BARE, "")?;
    let yardstick = memory_per_stream(&bare.process, &bare.address, &people).await?;
    let name = format!("from {FEW_STREAMS} to {MANY}");
    report.add(plain(&format!("memory per open stream, {name}"), own, "kB", 12.0));
    report.add(plain(&format!("memory per open stream of a bare handler, {name}"), yardstick, "kB", 12.0));
    Ok(())
}

/// In kilobytes.
async fn memory_per_stream(process: &Process, address: &str, people: &[Waiting]) -> Result<f64> {
    let mut streams = Streams::default();
    streams.open(address, &people[..FEW_STREAMS]).await?;
    let few = process.memory()?;
    streams.open(address, &people[FEW_STREAMS..]).await?;
    let many = process.memory()?;
    Ok((many - few) * 1000.0 / (people.len() - FEW_STREAMS) as f64)
}

/// Approvals at one server.
pub(crate) async fn approvals_on_one_server(report: &mut Report) -> Result<()> {
    const WAITING: usize = 10_000;
    let (_database, server, people) = people_waiting(Database::sqlite()?, WAITING).await?;
    let address = server.address.clone();
    approvals(report, &address, &people, "one server", 100.0).await
}

/// Approvals at two servers on one PostgreSQL, behind a proxy.
pub(crate) async fn approvals_on_two_servers(report: &mut Report, postgres: &Postgres) -> Result<()> {
    const WAITING: usize = 8000;
    let database = postgres.database("bench_servers")?;
    let (database, first, people) = people_waiting(database, WAITING).await?;
    let second = first.beside(&database, COST).await?;
    let proxy = Helper::start(helper::PROXY, &format!("{},{}", first.address, second.address))?;
    approvals(report, &proxy.address, &people, "two servers behind a proxy", 250.0).await
}

async fn people_waiting(database: Database, count: usize) -> Result<(Database, Server, Vec<Waiting>)> {
    let server = Server::start(&database, COST).await?;
    server.sign_up().await?;
    let people = data::add(&database.url, EMAIL, count).await?;
    Ok((database, server, people))
}

async fn approvals(
    report: &mut Report,
    address: &str,
    people: &[Waiting],
    name: &str,
    target: f64,
) -> Result<()> {
    const APPROVED: usize = 2000;
    const RATE: u32 = 200;
    let mut streams = Streams::default();
    streams.open(address, people).await?;
    let times = streams.approve(address, &people[..APPROVED], RATE).await?;
    let name = format!("p99, approval to browser, {} waiting, {RATE}/s, {name}", people.len());
    report.add(plain(&name, percentile(times, 99.0), "ms", target));
    Ok(())
}

/// Passwords checked per second by bcrypt alone on this number of threads.
fn bcrypt_per_second(cost: u32, threads: usize) -> f64 {
    let hash = bcrypt::hash(PASSWORD, cost).expect("the cost is valid");
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

/// The middle one.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn beside_bare(value: f64) -> Option<Yardstick> {
    Some(Yardstick { name: "bare handler".into(), value })
}
