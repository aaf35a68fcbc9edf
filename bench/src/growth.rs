//! What calls cost in a database with many users and rows, beside one with few; and what they cost while old
//! rows are removed.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use shared::routes;

use crate::{
    Result,
    data::{self, Waiting},
    filled::{self, Size},
    load::Connection,
    measure::median,
    programs::{Database, PASSWORD, Postgres, Server},
    report::{Aim::AtMost, Report, Row, Yardstick, plain},
    streams::webhook,
};

const HOUR_MS: i64 = 3_600_000;
const SMALL: Size = Size { users: 1000, rows: 10_000, age_ms: 2 * HOUR_MS };
const LARGE: Size = Size { users: 1_000_000, rows: 10_000_000, age_ms: 2 * HOUR_MS };
/// Rows to be removed.
const DUE: Size = Size { users: 1000, rows: 5_000_000, age_ms: 26 * HOUR_MS };
/// How often each call is made; the first ones are not counted.
const TIMES: usize = 300;
const WARM_UP: usize = 50;
/// Like whom those are whose phone approves.
const MODEL: &str = "grace@example.com";
/// So that what is compared is not the hashing of passwords.
const COST: u32 = 4;

/// The calls that are compared, and whether they write.
const CALLS: [(&str, bool); 9] = [
    ("POST /user", true),
    ("POST /session", true),
    ("GET /authy/status", false),
    ("POST /session/resend", true),
    ("POST /session/verify", true),
    ("DELETE /session", true),
    ("POST /authy/callback", true),
    ("GET /user", false),
    ("GET /users/{id}", false),
];

/// Compares two sizes of the same database.
pub(crate) async fn growth(report: &mut Report, postgres: Option<&Postgres>) -> Result<()> {
    let (name, small, large) = match postgres {
        Some(postgres) => {
            ("PostgreSQL", postgres.database("bench_small")?, postgres.database("bench_large")?)
        }
        None => ("SQLite", Database::sqlite()?, Database::sqlite()?),
    };
    let mut places =
        [Place::of(&small, SMALL, TIMES, true).await?, Place::of(&large, LARGE, TIMES, true).await?];
    for at in 0..TIMES {
        for place in &mut places {
            place.visit(at).await?;
        }
    }
    let [small, large] = places.map(|place| place.times.map(|times| median(times[WARM_UP..].to_vec())));
    let calls = CALLS.iter().enumerate().map(|(at, (call, writes))| Row {
        name: format!("{call}, {name}"),
        value: large[at],
        unit: "ms".into(),
        yardstick: Some(Yardstick { name: "a thousand users".into(), value: small[at] }),
        aim: AtMost,
        target: if *writes { 1.5 } else { 1.2 },
    });
    report.add_growth(calls.collect(), name);
    Ok(())
}

/// A server on a database of some size, and who calls it.
struct Place {
    server: Server,
    http: Client,
    people: Vec<Waiting>,
    times: [Vec<f64>; CALLS.len()],
}

impl Place {
    /// `counts`: whether limits are counted for, which ends after a thousand visits.
    async fn of(database: &Database, size: Size, people: usize, counts: bool) -> Result<Self> {
        let server = Server::start(database, COST).await?;
        server.sign_up().await?;
        drop(server);
        filled::fill(&database.url, size).await?;
        let server = if counts {
            Server::start_counting(database, COST).await?
        } else {
            Server::start(database, COST).await?
        };
        // Another server has another sandbox, and those who are enrolled at the first one's are not known there.
        server.sign_up_as(MODEL, "7700900124").await?;
        let people = data::add(&database.url, MODEL, people).await?;
        Ok(Self { server, http: Client::new(), people, times: Default::default() })
    }

    /// One person signs up and in, and out again; another one's phone approves.
    async fn visit(&mut self, at: usize) -> Result<()> {
        let email = format!("visitor{at}@example.com");
        let phone = format!("7701{at:06}");
        let new = json!({
            "fullName": "Ada Lovelace", "email": email, "phone": phone, "countryCode": "44", "password": PASSWORD,
        });
        self.call(0, Method::POST, routes::USER, "", Some(new)).await?;
        let login = json!({"email": email, "password": PASSWORD});
        let pending = self.call(1, Method::POST, routes::SESSION, "", Some(login)).await?;
        let token = pending["token"].as_str().ok_or("a login without a token")?.to_owned();
        self.call(2, Method::GET, routes::AUTHY_STATUS, &token, None).await?;
        self.call(3, Method::POST, routes::SESSION_RESEND, &token, Some(json!({"via": "sms"}))).await?;
        self.call(4, Method::POST, routes::SESSION_VERIFY, &token, Some(json!({"code": "0000"}))).await?;
        self.call(5, Method::DELETE, routes::SESSION, &token, None).await?;
        let person = self.people[at].clone();
        let request = webhook(&self.server.address, &person);
        let mut connection = Connection::open(&self.server.address).await?;
        let began = Instant::now();
        connection.call(&request).await?;
        self.times[6].push(milliseconds(began));
        let user = self.call(7, Method::GET, routes::USER, &person.token, None).await?;
        let id = user["id"].as_str().ok_or("a user without an id")?.to_owned();
        let profile = routes::USERS_ID.replace("{id}", &id);
        self.call(8, Method::GET, &profile, &person.token, None).await?;
        Ok(())
    }

    async fn call(
        &mut self,
        at: usize,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        let request = self.http.request(method, format!("http://{}{path}", self.server.address));
        let began = Instant::now();
        let answer = answer(request, token, body).await?;
        self.times[at].push(milliseconds(began));
        Ok(answer)
    }
}

async fn answer(request: RequestBuilder, token: &str, body: Option<Value>) -> Result<Value> {
    let request = if token.is_empty() { request } else { request.header(routes::TOKEN_HEADER, token) };
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let response = request.send().await?;
    // A wrong code is 401.
    if !response.status().is_success() && response.status() != StatusCode::UNAUTHORIZED {
        return Err(format!("{}: {}", response.url(), response.status()).into());
    }
    Ok(response.json().await?)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// Calls while millions of old rows are removed: none may fail. `to_the_end` waits until all are gone, which
/// takes a quarter of an hour; otherwise two minutes are looked at.
pub(crate) async fn cleaning(
    report: &mut Report,
    postgres: Option<&Postgres>,
    to_the_end: bool,
) -> Result<()> {
    /// Whose phones approve meanwhile.
    const PEOPLE: usize = 60_000;
    const WINDOW: Duration = Duration::from_secs(120);
    /// Between two visits.
    const PAUSE: Duration = Duration::from_millis(20);
    /// Between two looks whether there is something left.
    const LOOK: Duration = Duration::from_secs(10);
    let (name, database) = match postgres {
        Some(postgres) => ("PostgreSQL", postgres.database("bench_cleaning")?),
        None => ("SQLite", Database::sqlite()?),
    };
    let mut place = Place::of(&database, DUE, PEOPLE, false).await?;
    let began = Instant::now();
    let due = filled::left(&database.url).await?;
    let (mut at, mut looked, mut left) = (0, began, due);
    while left > 0 && (to_the_end || began.elapsed() < WINDOW) {
        if at == PEOPLE {
            return Err("old rows are not removed in time".into());
        }
        place.visit(at).await?;
        at += 1;
        tokio::time::sleep(PAUSE).await;
        if looked.elapsed() > LOOK {
            looked = Instant::now();
            left = filled::left(&database.url).await?;
        }
    }
    let (seconds, gone) = (began.elapsed().as_secs_f64(), due - filled::left(&database.url).await?);
    println!("    {gone} old rows were removed in {seconds:.0} s, {at} visits meanwhile");
    let slowest = place.times.iter().flatten().copied().fold(0.0, f64::max);
    report.add(plain(&format!("slowest call while five million old rows go, {name}"), slowest, "ms", 300.0));
    Ok(())
}
