//! Clients of event streams, thousands of them in one process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use shared::routes::{AUTHY_CALLBACK, AUTHY_STATUS_STREAM, TOKEN_HEADER};
use signature::authy::{NONCE_HEADER, Params, SIGNATURE_HEADER, SignedCall};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{Result, data::Waiting, load};

/// Streams opened at the same time: more would overflow the queue of connections to be accepted.
const AT_ONCE: usize = 100;

/// Open streams, each followed by a task.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    tasks: JoinSet<()>,
    /// When each session was told that it is approved.
    approved: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Streams {
    /// Opens the stream of each of these people; returns when each has been told its status.
    pub(crate) async fn open(&mut self, address: &str, people: &[Waiting]) -> Result<()> {
        for batch in people.chunks(AT_ONCE) {
            let mut opening = JoinSet::new();
            for person in batch {
                let (address, token, reference) =
                    (address.to_owned(), person.token.clone(), person.reference.clone());
                opening.spawn(async move {
                    let stream = connect(&address, &token).await.map_err(|error| error.to_string())?;
                    Ok::<_, String>((stream, reference))
                });
            }
            while let Some(opened) = opening.join_next().await {
                let (stream, reference) = opened??;
                let approved = Arc::clone(&self.approved);
                self.tasks.spawn(async move {
                    if let Some(at) = until_approved(stream).await {
                        approved.lock().unwrap_or_else(PoisonError::into_inner).insert(reference, at);
                    }
                });
            }
        }
        Ok(())
    }

    /// Approves the requests of these people by the webhook, so many a second. Returns the milliseconds from
    /// sending each webhook to its event; an event that does not come within ten seconds fails.
    pub(crate) async fn approve(
        &self,
        address: &str,
        people: &[Waiting],
        per_second: u32,
    ) -> Result<Vec<f64>> {
        let (mut sent, mut events) = (HashMap::new(), Vec::new());
        let webhooks: Vec<_> = people.iter().map(|person| webhook(address, person)).collect();
        let began = Instant::now();
        let gap = Duration::from_secs(1) / per_second;
        for (at, person) in people.iter().enumerate() {
            sent.insert(person.reference.clone(), began + gap * u32::try_from(at)?);
        }
        load::send_at_rate(address, webhooks, per_second).await?;
        for _ in 0..500 {
            let approved = self.approved.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if people.iter().all(|person| approved.contains_key(&person.reference)) {
                for person in people {
                    let took = approved[&person.reference].saturating_duration_since(sent[&person.reference]);
                    events.push(took.as_secs_f64() * 1000.0);
                }
                return Ok(events);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("not every stream was told of the approval".into())
    }
}

async fn connect(address: &str, token: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {AUTHY_STATUS_STREAM} HTTP/1.1\r\nHost: {address}\r\n{TOKEN_HEADER}: {token}\r\n\
         Accept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let (mut buffer, mut text) = ([0; 4096], Vec::new());
    while !contains(&text, b"event: status") {
        let read = stream.read(&mut buffer).await?;
        if read == 0 || (text.is_empty() && !buffer.starts_with(b"HTTP/1.1 200")) {
            return Err(format!("no stream: {}", String::from_utf8_lossy(&buffer[..read])).into());
        }
        text.extend_from_slice(&buffer[..read]);
    }
    Ok(stream)
}

async fn until_approved(mut stream: TcpStream) -> Option<Instant> {
    let mut buffer = vec![0; 2048];
    loop {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        if contains(&buffer[..read], b"\"approved\"") {
            return Some(Instant::now());
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The provider's webhook that approves a request, as it goes over the wire.
pub(crate) fn webhook(address: &str, person: &Waiting) -> Vec<u8> {
    let body = serde_json::json!({
        "authy_id": person.provider_user.parse::<u64>().unwrap_or_default(), "uuid": person.reference,
        "status": "approved", "callback_action": "approval_request_status",
    });
    let (nonce, url) = (&person.reference, format!("http://{address}{AUTHY_CALLBACK}"));
    let call = SignedCall { nonce, method: "POST", url: &url, params: Params::Body(&body) };
    let (signature, body) = (call.sign(shared::sandbox::API_KEY), body.to_string());
    format!(
        "POST {AUTHY_CALLBACK} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         {SIGNATURE_HEADER}: {signature}\r\n{NONCE_HEADER}: {nonce}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
