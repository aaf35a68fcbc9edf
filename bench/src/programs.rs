//! The programs that are measured, each in its own process.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::{Value, json};
use shared::routes;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{Result, helper};

pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "notes on the engine";

/// A process that is killed with this.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Resident memory, in megabytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1000.0)
    }
}

/// This program once more, in another role.
#[derive(Debug)]
pub(crate) struct Helper {
    pub(crate) process: Process,
    pub(crate) address: String,
}

impl Helper {
    pub(crate) fn start(role: &str, value: &str) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .env(helper::ROLE, role)
            .env(helper::VALUE, value)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        let output = child.stdout.take().ok_or("it has no output")?;
        BufReader::new(output).read_line(&mut address)?;
        Ok(Self { process: Process(child), address: address.trim().to_owned() })
    }
}

/// A database for one server or several.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) url: String,
    _folder: Option<TempDir>,
}

impl Database {
    pub(crate) fn sqlite() -> Result<Self> {
        let folder = TempDir::new()?;
        let url = format!("sqlite://{}", folder.path().join("bench.db").display());
        Ok(Self { url, _folder: Some(folder) })
    }
}

/// A PostgreSQL server on this machine, started by whoever started this program.
#[derive(Debug)]
pub(crate) struct Postgres {
    url: String,
    programs: PathBuf,
}

impl Postgres {
    /// From `BENCH_POSTGRES`, its address, and `BENCH_POSTGRES_PROGRAMS`, the folder of `pgbench`.
    pub(crate) fn from_environment() -> Option<Self> {
        let url = env::var("BENCH_POSTGRES").ok()?;
        Some(Self { url, programs: env::var_os("BENCH_POSTGRES_PROGRAMS")?.into() })
    }

    pub(crate) fn database(&self, name: &str) -> Result<Database> {
        let created = Command::new(self.programs.join("createdb"))
            .arg(format!("--maintenance-db={}", self.url))
            .arg(name)
            .status()?;
        if !created.success() {
            return Err("createdb failed".into());
        }
        let (base, _) = self.url.rsplit_once('/').ok_or("BENCH_POSTGRES ends with a database")?;
        Ok(Database { url: format!("{base}/{name}"), _folder: None })
    }

    /// Reads per second by `pgbench -S` over this number of connections.
    pub(crate) fn reads_per_second(&self, connections: usize, duration: Duration) -> Result<f64> {
        let database = self.database("pgbench")?;
        let pgbench = |arguments: &[&str]| -> Result<String> {
            let output =
                Command::new(self.programs.join("pgbench")).args(arguments).arg(&database.url).output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
            }
            Ok(String::from_utf8(output.stdout)?)
        };
        pgbench(&["--initialize", "--quiet", "--scale=10"])?;
        let (clients, time) = (format!("--client={connections}"), format!("--time={}", duration.as_secs()));
        let printed = pgbench(&["--select-only", "--jobs=2", "--no-vacuum", &clients, &time])?;
        let line = printed.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = line.and_then(|line| line.split(' ').next()).ok_or("pgbench told no rate")?;
        Ok(rate.parse()?)
    }
}

/// The server as a release build, with its page, its sandbox and default logging.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: String,
    pub(crate) sandbox: String,
    /// From the start of the process to its first answer.
    pub(crate) started_in: Duration,
    http: Client,
    folder: PathBuf,
}

impl Server {
    pub(crate) async fn start(database: &Database, cost: u32) -> Result<Self> {
        let sandbox = format!("127.0.0.1:{}", free_port()?);
        let port = sandbox.rsplit_once(':').map_or("", |(_, port)| port).to_owned();
        Self::start_with(database, cost, sandbox, &[("SANDBOX_PORT", port)]).await
    }

    /// One that counts what limits are for: those which all clients of one address share are as high as can be.
    pub(crate) async fn start_counting(database: &Database, cost: u32) -> Result<Self> {
        let sandbox = format!("127.0.0.1:{}", free_port()?);
        let port = sandbox.rsplit_once(':').map_or("", |(_, port)| port).to_owned();
        let variables = [
            ("SANDBOX_PORT", port),
            ("LIMITS", "default".to_owned()),
            ("LIMIT_SIGN_UPS_PER_HOUR", "1000".to_owned()),
            ("LIMIT_STRANGER_ADDRESS_SENDS_PER_HOUR", "1000".to_owned()),
            ("LIMIT_ADDRESS_WRONG_CODES_PER_HOUR", "2000".to_owned()),
        ];
        Self::start_with(database, cost, sandbox, &variables).await
    }

    /// A second server on the same database, which uses this one's sandbox.
    pub(crate) async fn beside(&self, database: &Database, cost: u32) -> Result<Self> {
        let url = format!("http://{}", self.sandbox);
        let (off, key) = ("off".to_owned(), shared::sandbox::API_KEY.to_owned());
        let variables = [("SANDBOX", off), ("AUTHY_API_URL", url), ("AUTHY_API_KEY", key)];
        Self::start_with(database, cost, self.sandbox.clone(), &variables).await
    }

    async fn start_with(
        database: &Database,
        cost: u32,
        sandbox: String,
        variables: &[(&str, String)],
    ) -> Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let folder = Path::new(&env::temp_dir()).join(format!("countersign-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let program = env::current_exe()?.with_file_name("server");
        let mut command = Command::new(program);
        command
            .current_dir(&folder)
            .env("PORT", address.rsplit_once(':').map_or("", |(_, port)| port))
            .env("DATABASE_URL", &database.url)
            .env("LIMITS", "off")
            .env("BCRYPT_COST", cost.to_string())
            .env("PAGE_DIR", env::current_dir()?.join("dist"))
            .envs(variables.iter().map(|(name, value)| (*name, value.as_str())))
            .stdout(Stdio::null());
        let began = Instant::now();
        let process = Process(command.spawn()?);
        let http = Client::new();
        let ready = format!("http://{address}{}", routes::READYZ);
        let mut interval = tokio::time::interval(Duration::from_millis(2));
        while began.elapsed() < Duration::from_secs(20) {
            interval.tick().await;
            if http.get(&ready).send().await.is_ok() {
                let started_in = began.elapsed();
                // Loads the page once, as on any server in use.
                http.get(format!("http://{address}/")).send().await?.error_for_status()?;
                return Ok(Self { process, address, sandbox, started_in, http, folder });
            }
        }
        Err("the server did not start".into())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Creates an account.
    pub(crate) async fn sign_up(&self) -> Result<()> {
        self.sign_up_as(EMAIL, "7700900123").await
    }

    /// Creates an account with this email and this British phone.
    pub(crate) async fn sign_up_as(&self, email: &str, phone: &str) -> Result<()> {
        let new = json!({
            "fullName": "Ada Lovelace", "email": email, "phone": phone, "countryCode": "44", "password": PASSWORD,
        });
        self.http.post(self.url(routes::USER)).json(&new).send().await?.error_for_status()?;
        Ok(())
    }

    /// Signs in with the password. The approval request stays unanswered. Returns the token.
    pub(crate) async fn log_in(&self) -> Result<String> {
        let login = json!({"email": EMAIL, "password": PASSWORD});
        let response = self.http.post(self.url(routes::SESSION)).json(&login).send().await?;
        let body: Value = response.error_for_status()?.json().await?;
        Ok(body["token"].as_str().ok_or("the response to a login has no token")?.to_owned())
    }

    pub(crate) async fn status(&self, token: &str) -> Result<String> {
        let request = self.http.get(self.url(routes::AUTHY_STATUS)).header(routes::TOKEN_HEADER, token);
        Ok(request.send().await?.error_for_status()?.text().await?)
    }

    /// Logins per second, each with an approval request, with this many at a time.
    pub(crate) async fn logins_per_second(&self, concurrency: usize, duration: Duration) -> Result<f64> {
        let started = Instant::now();
        let mut workers = JoinSet::new();
        for _ in 0..concurrency {
            let (http, url) = (self.http.clone(), self.url(routes::SESSION));
            let login = json!({"email": EMAIL, "password": PASSWORD});
            workers.spawn(async move {
                let mut done = 0_u64;
                while started.elapsed() < duration {
                    let response = http.post(&url).json(&login).send().await.map_err(|e| e.to_string())?;
                    response.error_for_status().map_err(|e| e.to_string())?;
                    done += 1;
                }
                Ok::<_, String>(done)
            });
        }
        let mut done = 0;
        while let Some(worker) = workers.join_next().await {
            done += worker??;
        }
        Ok(done as f64 / started.elapsed().as_secs_f64())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The last one of the run removes it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
