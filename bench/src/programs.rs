//! The programs that are measured, each in its own process.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::{Value, json};
use shared::routes;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{Result, bare};

/// The baseline for status polls.
pub(crate) struct Bare {
    child: Child,
    pub(crate) address: String,
}

impl Bare {
    pub(crate) fn start(body: &str) -> Result<Self> {
        let mut child =
            Command::new(env::current_exe()?).env(bare::BODY, body).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        let output = child.stdout.take().ok_or("the baseline has no output")?;
        BufReader::new(output).read_line(&mut address)?;
        Ok(Self { child, address: address.trim().to_owned() })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server as a release build, with an SQLite file, its page, its sandbox and default logging.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    http: Client,
    _folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Result<Self> {
        let folder = TempDir::new()?;
        let (port, sandbox) = (free_port()?, free_port()?);
        let program = env::current_exe()?.with_file_name("server");
        let database = format!("sqlite://{}", folder.path().join("bench.db").display());
        let child = Command::new(program)
            .current_dir(folder.path())
            .env("PORT", port.to_string())
            .env("SANDBOX_PORT", sandbox.to_string())
            .env("DATABASE_URL", database)
            .env("LIMITS", "off")
            .env("PAGE_DIR", env::current_dir()?.join("dist"))
            .stdout(Stdio::null())
            .spawn()?;
        let server =
            Self { child, address: format!("127.0.0.1:{port}"), http: Client::new(), _folder: folder };
        let mut interval = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..500 {
            interval.tick().await;
            if server.http.get(server.url(routes::READYZ)).send().await.is_ok() {
                // Loads the page once, as on any server in use.
                server.http.get(server.url("/")).send().await?.error_for_status()?;
                return Ok(server);
            }
        }
        Err("the server did not start".into())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Resident memory, in kilobytes.
    pub(crate) fn memory_kilobytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Creates an account and signs in with the password. The approval request stays unanswered.
    pub(crate) async fn pending_session(&self, password: &str) -> Result<String> {
        let new = json!({
            "fullName": "Ada Lovelace", "email": "ada@example.com", "phone": "7700900123",
            "countryCode": "44", "password": password,
        });
        self.http.post(self.url(routes::USER)).json(&new).send().await?.error_for_status()?;
        let body: Value = self.log_in(password).await?;
        Ok(body["token"].as_str().ok_or("the response to a login has no token")?.to_owned())
    }

    async fn log_in(&self, password: &str) -> Result<Value> {
        let login = json!({"email": "ada@example.com", "password": password});
        let response = self.http.post(self.url(routes::SESSION)).json(&login).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }

    pub(crate) async fn status(&self, token: &str) -> Result<String> {
        let request = self.http.get(self.url(routes::AUTHY_STATUS)).header(routes::TOKEN_HEADER, token);
        Ok(request.send().await?.error_for_status()?.text().await?)
    }

    /// Logins per second, each with an approval request, with this many at a time.
    pub(crate) async fn logins_per_second(
        &self,
        password: &str,
        concurrency: usize,
        duration: Duration,
    ) -> Result<f64> {
        let started = Instant::now();
        let mut workers = JoinSet::new();
        for _ in 0..concurrency {
            let (http, url) = (self.http.clone(), self.url(routes::SESSION));
            let login = json!({"email": "ada@example.com", "password": password});
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
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
