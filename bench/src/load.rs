//! Load generators. The closed one sends the next request of a connection as soon as a response has arrived;
//! the open one sends at a rate, whatever arrives, and measures from when a request was due.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use shared::routes::{AUTHY_STATUS, TOKEN_HEADER};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{interval, sleep_until},
};

use crate::Result;

/// Requests to be sent in turn, each as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    all: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    /// Whether each may be sent once only.
    once: bool,
}

impl Requests {
    /// Again and again.
    pub(crate) fn again_and_again(all: Vec<Vec<u8>>) -> Self {
        Self { all: Arc::new(all), next: Arc::default(), once: false }
    }

    /// Each once.
    pub(crate) fn once(all: Vec<Vec<u8>>) -> Self {
        Self { once: true, ..Self::again_and_again(all) }
    }

    fn next(&self) -> Option<&[u8]> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let at = if self.once { at } else { at % self.all.len() };
        self.all.get(at).map(Vec::as_slice)
    }
}

/// A status poll.
pub(crate) fn poll(address: &str, token: Option<&str>) -> Vec<u8> {
    let token = token.map(|token| format!("{TOKEN_HEADER}: {token}\r\n")).unwrap_or_default();
    format!("GET {AUTHY_STATUS} HTTP/1.1\r\nHost: {address}\r\n{token}\r\n").into_bytes()
}

/// Requests per second that were answered with 200, over this number of connections.
pub(crate) async fn per_second(
    address: &str,
    requests: Requests,
    connections: usize,
    duration: Duration,
) -> Result<f64> {
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let (address, requests) = (address.to_owned(), requests.clone());
        workers.spawn(async move {
            let mut connection = Connection::open(&address).await.map_err(|e| e.to_string())?;
            let mut answered = 0_u64;
            while started.elapsed() < duration {
                let Some(request) = requests.next() else { break };
                connection.call(request).await.map_err(|e| e.to_string())?;
                answered += 1;
            }
            Ok::<_, String>(answered)
        });
    }
    let mut answered = 0;
    while let Some(worker) = workers.join_next().await {
        answered += worker??;
    }
    Ok(answered as f64 / started.elapsed().as_secs_f64())
}

/// The times in milliseconds that requests took which were sent at a rate.
pub(crate) async fn at_rate(
    address: &str,
    request: Vec<u8>,
    per_second: u32,
    duration: Duration,
) -> Result<Vec<f64>> {
    const CONNECTIONS: u32 = 50;
    let request = Arc::new(request);
    let (mut workers, gap) = (JoinSet::new(), Duration::from_secs(1) / per_second);
    let started = tokio::time::Instant::now() + Duration::from_millis(100);
    for worker in 0..CONNECTIONS {
        let (address, request) = (address.to_owned(), Arc::clone(&request));
        workers.spawn(async move {
            let mut connection = Connection::open(&address).await.map_err(|e| e.to_string())?;
            let mut times = Vec::new();
            let mut due = started + gap * worker;
            while due < started + duration {
                sleep_until(due).await;
                connection.call(&request).await.map_err(|e| e.to_string())?;
                times.push(due.elapsed().as_secs_f64() * 1000.0);
                due += gap * CONNECTIONS;
            }
            Ok::<_, String>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(worker) = workers.join_next().await {
        times.extend(worker??);
    }
    Ok(times)
}

/// Sends each request once, at a rate.
pub(crate) async fn send_at_rate(address: &str, requests: Vec<Vec<u8>>, per_second: u32) -> Result<()> {
    const CONNECTIONS: usize = 16;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(1000);
    let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
    let mut workers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (address, receiver) = (address.to_owned(), Arc::clone(&receiver));
        workers.spawn(async move {
            let mut connection = Connection::open(&address).await.map_err(|e| e.to_string())?;
            loop {
                let request = receiver.lock().await.recv().await;
                let Some(request) = request else { return Ok::<_, String>(()) };
                connection.call(&request).await.map_err(|e| e.to_string())?;
            }
        });
    }
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    for request in requests {
        ticks.tick().await;
        sender.send(request).await.map_err(|_| "all connections have failed")?;
    }
    drop(sender);
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

/// The value below which so many percent lie.
pub(crate) fn percentile(mut values: Vec<f64>, percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * percent / 100.0).ceil() as usize;
    values.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// A connection that is kept open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 16 * 1024] })
    }

    /// Sends a request and reads the whole response.
    pub(crate) async fn call(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the connection was closed".into());
            }
            filled += read;
            if is_complete(&self.buffer[..filled])? {
                return Ok(());
            }
        }
    }
}

/// Whether a response is complete.
///
/// # Errors
/// For any status but 200.
fn is_complete(response: &[u8]) -> Result<bool> {
    let Some(head_end) = response.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let head = std::str::from_utf8(&response[..head_end])?;
    if !head.starts_with("HTTP/1.1 200") {
        let body = String::from_utf8_lossy(&response[head_end..]);
        return Err(format!("the status is not 200: {head}{body}").into());
    }
    let mut lengths = head.lines().filter_map(|line| line.split_once(": "));
    let length = lengths.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.ok_or("a response without content-length")?.1.trim().parse()?;
    Ok(response.len() >= head_end + 4 + length)
}
