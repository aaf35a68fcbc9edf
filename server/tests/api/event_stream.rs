//! A client of event streams.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

/// Generous: a slow machine is no failure.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What a stream tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An event `status`, with its data.
    Status(Value),
    /// The event `end`.
    End,
    /// The server has closed the stream.
    Closed,
}

pub struct EventStream {
    response: reqwest::Response,
    text: String,
    /// What the server said about connecting again.
    pub retry_ms: Option<u32>,
}

impl EventStream {
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, text: String::new(), retry_ms: None }
    }

    /// The next event; comments are passed over.
    pub async fn next(&mut self) -> Event {
        let next = tokio::time::timeout(LONGEST_WAIT, self.wait());
        next.await.expect("the stream has told nothing for a minute")
    }

    async fn wait(&mut self) -> Event {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(event) = self.event_of(&block) {
                    return event;
                }
                continue;
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.text += std::str::from_utf8(&chunk).expect("text"),
                // A server that was killed closes the connection in the middle.
                Ok(None) | Err(_) => return Event::Closed,
            }
        }
    }

    fn event_of(&mut self, block: &str) -> Option<Event> {
        let field = |name: &str| {
            let found = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            found.map(str::to_owned)
        };
        if let Some(retry) = field("retry") {
            self.retry_ms = retry.parse().ok();
        }
        match (field("event")?.as_str(), field("data")) {
            ("status", Some(data)) => {
                let status: Value = serde_json::from_str(&data).expect("JSON");
                assert_eq!(field("id").as_deref(), status["version"].as_str());
                Some(Event::Status(status))
            }
            ("end", Some(_)) => Some(Event::End),
            other => panic!("an unknown event: {other:?}"),
        }
    }

    /// The next event, which is a status.
    #[track_caller]
    pub fn status(&mut self) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            match self.next().await {
                Event::Status(status) => status,
                other => panic!("{caller}: a status was expected, not {other:?}"),
            }
        }
    }

    /// The next status that is this one.
    pub async fn status_that_is(&mut self, status: &str) -> Value {
        loop {
            let next = self.status().await;
            if next["status"] == status && next["approvalRequest"].is_object() {
                return next;
            }
        }
    }
}

/// The token in a session cookie.
pub fn token_in(cookie: &str) -> String {
    let signed = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie").1;
    // The signature is 44 characters of base64; what it signs follows.
    let text = percent_encoding::percent_decode_str(signed).decode_utf8().expect("UTF-8").into_owned();
    text[44..].to_owned()
}
