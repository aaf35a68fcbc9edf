//! A temporary PostgreSQL cluster for the tests, run by the installed server programs.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    step::{Result, output, succeed},
    tools,
};

/// A running cluster. Dropping it stops the server and deletes the data.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    /// The user that runs it if this process is root, since PostgreSQL refuses to run as root.
    user: Option<String>,
}

impl Cluster {
    /// Creates a cluster for tests and starts it on a free port of the loopback interface. What it stores need
    /// not survive a crash.
    pub fn start() -> Result<Self> {
        Self::start_with("-c fsync=off -c synchronous_commit=off -c full_page_writes=off")
    }

    /// The same with PostgreSQL's own settings: what is committed is on the disk.
    pub fn start_durable() -> Result<Self> {
        Self::start_with("")
    }

    fn start_with(settings: &str) -> Result<Self> {
        let programs = programs()?;
        let as_root = output(Command::new("id").arg("-u")).as_deref() == Some("0");
        let known = |name: &&str| output(Command::new("id").args(["-u", name])).is_some();
        let user =
            as_root.then(|| ["postgres", "nobody"].into_iter().find(known).map(str::to_owned)).flatten();
        if as_root && user.is_none() {
            return Err("PostgreSQL does not run as root; create a user named postgres".into());
        }
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        drop(listener);
        let folder = env::temp_dir().join(format!("countersign-postgres-{port}"));
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        if let Some(user) = &user {
            succeed(Command::new("chown").arg(user).arg(&folder))?;
        }
        let cluster = Self { programs, folder, port, user };
        cluster.create_and_start(settings)?;
        Ok(cluster)
    }

    fn create_and_start(&self, settings: &str) -> Result {
        let data = self.folder.join("data");
        let quiet = |command: &mut Command| match command.output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let arguments =
            ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"];
        quiet(self.program("initdb").arg("--pgdata").arg(&data).args(arguments))?;
        self.create_certificate()?;
        let folder = self.folder.display();
        let settings = format!(
            "-p {} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=300 -c ssl=on \
             -c ssl_cert_file={folder}/server.crt -c ssl_key_file={folder}/server.key {settings}",
            self.port
        );
        let log = self.folder.join("log");
        quiet(
            self.program("pg_ctl")
                .args(["start", "--wait", "--options", &settings])
                .arg("--log")
                .arg(log)
                .arg("--pgdata")
                .arg(&data),
        )
    }

    /// A certificate for 127.0.0.1, and the one that has signed it.
    fn create_certificate(&self) -> Result {
        tools::openssl_program()?;
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            command.current_dir(&self.folder).args(arguments.split(' '));
            output(&mut command).map(drop).ok_or_else(|| format!("openssl {arguments} failed"))
        };
        openssl("req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=test -keyout root.key -out root.crt")?;
        openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=127.0.0.1 -CA root.crt -CAkey root.key \
             -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
             -keyout server.key -out server.crt",
        )?;
        if let Some(user) = &self.user {
            succeed(Command::new("chown").arg(user).arg(self.folder.join("server.key")))?;
        }
        Ok(())
    }

    /// The certificate that has signed the server's.
    pub fn root_certificate(&self) -> PathBuf {
        self.folder.join("root.crt")
    }

    fn program(&self, name: &str) -> Command {
        let file = self.programs.join(name);
        let mut command = match &self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(file);
                command
            }
            None => Command::new(file),
        };
        command.current_dir(&self.folder);
        command
    }

    /// The folder of its programs.
    pub fn program_folder(&self) -> &Path {
        &self.programs
    }

    /// URL of its maintenance database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let stop = self
            .program("pg_ctl")
            .args(["stop", "--mode=immediate", "--silent", "--pgdata"])
            .arg(data)
            .output();
        if stop.is_ok() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The folder with `initdb`, `pg_ctl` and `postgres`.
pub fn programs() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    tools::debian_package(
        &["postgresql"],
        "the API tests run on PostgreSQL, too",
        "install PostgreSQL's server programs",
    )?;
    find().ok_or_else(|| "PostgreSQL is installed, but has no initdb in /usr/lib/postgresql".into())
}

fn find() -> Option<PathBuf> {
    let complete =
        |folder: &Path| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file());
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    // Debian's folders first: programs on the PATH may be links that do not find their other files.
    debian.chain(env::split_paths(&path)).find(|folder| complete(folder))
}
