//! A load generator: each connection sends the next request as soon as a response has arrived.

use std::time::{Duration, Instant};

use shared::routes::{AUTHY_STATUS, TOKEN_HEADER};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::Result;

/// Status polls per second that were answered with 200, over this number of connections.
pub(crate) async fn polls_per_second(
    address: &str,
    token: Option<&str>,
    connections: usize,
    duration: Duration,
) -> Result<f64> {
    let token = token.map(|token| format!("{TOKEN_HEADER}: {token}\r\n")).unwrap_or_default();
    let request = format!("GET {AUTHY_STATUS} HTTP/1.1\r\nHost: {address}\r\n{token}\r\n");
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let (address, request) = (address.to_owned(), request.clone());
        workers.spawn(async move {
            poll(&address, request.as_bytes(), started + duration).await.map_err(|e| e.to_string())
        });
    }
    let mut answered = 0_u64;
    while let Some(worker) = workers.join_next().await {
        answered += worker??;
    }
    Ok(answered as f64 / started.elapsed().as_secs_f64())
}

async fn poll(address: &str, request: &[u8], until: Instant) -> Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut buffer, mut answered) = (vec![0_u8; 16 * 1024], 0);
    while Instant::now() < until {
        stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await?;
            if read == 0 {
                return Err("the connection was closed".into());
            }
            filled += read;
            if is_complete(&buffer[..filled])? {
                break;
            }
        }
        answered += 1;
    }
    Ok(answered)
}

/// Whether a response is complete.
///
/// # Errors
/// For any status but 200.
fn is_complete(response: &[u8]) -> Result<bool> {
    let Some(head_end) = response.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let head = std::str::from_utf8(&response[..head_end])?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("the status is not 200: {head}").into());
    }
    let mut lengths = head.lines().filter_map(|line| line.split_once(": "));
    let length = lengths.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.ok_or("a response without content-length")?.1.trim().parse()?;
    Ok(response.len() >= head_end + 4 + length)
}
