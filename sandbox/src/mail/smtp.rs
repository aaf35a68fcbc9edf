//! The SMTP listener: takes e-mails for any address, without TLS, and sends none on.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::session::Session;
use crate::emulator::Emulator;

/// How many clients may be connected.
const MAX_CONNECTIONS: usize = 50;
/// How long a client may be silent, or not read what it is sent.
const IDLE: Duration = Duration::from_secs(60);

/// A bound port on the loopback interface that is not served yet.
#[derive(Debug)]
pub(crate) struct BoundSmtp {
    listener: TcpListener,
    /// For a client's settings, without a final slash.
    pub(crate) url: String,
}

impl BoundSmtp {
    /// # Errors
    /// When the port is in use; the error names it.
    pub(crate) async fn bind(port: u16) -> io::Result<Self> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener =
            bound.map_err(|error| io::Error::new(error.kind(), format!("port {port} for SMTP: {error}")))?;
        let url = format!("smtp://{}", listener.local_addr()?);
        Ok(Self { listener, url })
    }

    /// Starts serving.
    pub(crate) fn serve(self, emulator: Arc<Emulator>) -> SmtpListener {
        let task = tokio::spawn(serve(self.listener, emulator));
        SmtpListener { url: self.url, task: Mutex::new(Some(task)) }
    }
}

/// A running listener. It ends with [`stop`](Self::stop) or with the process.
#[derive(Debug)]
pub(crate) struct SmtpListener {
    pub(crate) url: String,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl SmtpListener {
    /// Closes the port and all connections.
    pub(crate) async fn stop(&self) {
        if let Some(task) = self.task.lock().await.take() {
            task.abort();
            // Waits until the port is free. The error is that it was aborted.
            let _ = task.await;
        }
    }
}

/// Serves until it is aborted, and its connections with it.
async fn serve(listener: TcpListener, emulator: Arc<Emulator>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) if connections.len() < MAX_CONNECTIONS => {
                    let emulator = Arc::clone(&emulator);
                    connections.spawn(async move {
                        // A connection that breaks ends its session only.
                        let _ = converse(client, emulator).await;
                    });
                }
                Ok((client, _)) => turn_away(client).await,
                // No file descriptor is free: one may be soon.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Speaks with one client until either ends it.
async fn converse(mut client: TcpStream, emulator: Arc<Emulator>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut session, greeting) = Session::begin(emulator);
    timeout(IDLE, client.write_all(&greeting)).await??;
    let mut buffer = [0; 4096];
    while !session.has_ended() {
        let Ok(length) = timeout(IDLE, client.read(&mut buffer)).await else {
            return timeout(IDLE, client.write_all(b"421 4.4.2 Nothing was sent for a minute\r\n")).await?;
        };
        let length = length?;
        if length == 0 {
            break;
        }
        timeout(IDLE, client.write_all(&session.receive(&buffer[..length]))).await??;
    }
    Ok(())
}

/// Tells a client that too many are connected.
async fn turn_away(mut client: TcpStream) {
    let answer = client.write_all(b"421 4.3.2 Too many connections\r\n");
    // These few bytes are sent at once; a client for which they aren't may not hold up the others.
    let _ = timeout(Duration::from_secs(1), answer).await;
}
