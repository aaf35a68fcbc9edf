//! PostgreSQL's notifications, by which the servers of one database wake each other.
//!
//! They come on a connection of their own, by a client that waits for the socket; diesel's would have to be
//! asked again and again. A notification is a hint: what has changed is in the database, and whoever misses one
//! finds it there ([`changes::recent`](super::changes::recent)).

use std::{
    future::{Future, poll_fn},
    time::Duration,
};

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket, tls::MakeTlsConnect, types::ToSql};

use super::{
    Store, StoreError,
    changes::Change,
    db::Backend,
    postgres_tls::{self, Tls},
};
use crate::domain::ids::SessionId;

const CHANNEL: &str = "countersign_changes";
/// PostgreSQL refuses payloads of 8000 bytes.
const LONGEST_PAYLOAD: usize = 7900;
/// A connection that was cut without a word is noticed after this and a few repetitions.
const KEEPALIVE: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that listens. When it is lost, it tells so and is of no more use.
#[derive(Debug)]
pub struct Notifications {
    client: Client,
    received: mpsc::Receiver<Vec<Change>>,
}

impl Store {
    /// Listens for the changes of other servers; `None` on SQLite, which has no other servers.
    ///
    /// # Errors
    /// When there is no such connection to be had.
    pub async fn listen(&self) -> Result<Option<Notifications>, StoreError> {
        let Backend::Postgres(url) = &self.backend else { return Ok(None) };
        let failed = |error: tokio_postgres::Error| StoreError::Notifications(Box::new(error));
        let (mut config, tls) = postgres_tls::read(url)?;
        config.keepalives_idle(KEEPALIVE).connect_timeout(CONNECT_TIMEOUT).application_name("countersign");
        let listening = async {
            let notifications = match tls {
                Tls::Off => connect(&config, NoTls).await,
                Tls::On(connector) => connect(&config, connector).await,
            };
            let notifications = notifications.map_err(failed)?;
            notifications.client.batch_execute(&format!("LISTEN {CHANNEL}")).await.map_err(failed)?;
            Ok(Some(notifications))
        };
        in_time(listening).await
    }
}

/// A server that says nothing any more is as good as gone.
async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let done = tokio::time::timeout(CONNECT_TIMEOUT, call).await;
    done.unwrap_or_else(|elapsed| Err(StoreError::Notifications(Box::new(elapsed))))
}

async fn connect<T>(config: &Config, tls: T) -> Result<Notifications, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = config.connect(tls).await?;
    let (sender, received) = mpsc::channel(100);
    tokio::spawn(async move {
        // Ends with the connection, or with the client; `received` ends with it.
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            let AsyncMessage::Notification(notification) = message else { continue };
            // Waiting for room here would keep the answers to our own statements back. What finds no room is looked
            // for in the database.
            if let Err(TrySendError::Closed(_)) = sender.try_send(read_payload(notification.payload())) {
                return;
            }
        }
    });
    Ok(Notifications { client, received })
}

impl Notifications {
    /// The next changes that a server has announced; `None` when the connection is lost.
    pub async fn next(&mut self) -> Option<Vec<Change>> {
        self.received.recv().await
    }

    /// Announces changes that are committed.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn announce(&self, changes: &[Change]) -> Result<(), StoreError> {
        for payload in payloads(changes) {
            let parameters: [&(dyn ToSql + Sync); 2] = [&CHANNEL, &payload];
            let sent = self.client.execute("SELECT pg_notify($1, $2)", &parameters);
            let sent = async { sent.await.map_err(|error| StoreError::Notifications(Box::new(error))) };
            in_time(sent).await?;
        }
        Ok(())
    }
}

/// `17:session 18:session …`, in as many payloads as are needed.
fn payloads(changes: &[Change]) -> Vec<String> {
    let mut payloads = vec![String::new()];
    for change in changes {
        let Some(number) = change.number else { continue };
        let written = format!("{number}:{} ", change.session);
        if payloads.last().is_some_and(|last| last.len() + written.len() > LONGEST_PAYLOAD) {
            payloads.push(String::new());
        }
        if let Some(last) = payloads.last_mut() {
            last.push_str(&written);
        }
    }
    payloads.retain(|payload| !payload.is_empty());
    payloads
}

/// What is not a change is passed over: another version may write more.
fn read_payload(payload: &str) -> Vec<Change> {
    let change = |written: &str| {
        let (number, session) = written.split_once(':').filter(|(_, session)| !session.is_empty())?;
        Some(Change { session: SessionId::from_text(session), number: Some(number.parse().ok()?) })
    };
    payload.split_ascii_whitespace().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_as_they_were_written_however_many_there_are() {
        let change =
            |number| Change { session: SessionId::from_text(format!("{number:032x}")), number: Some(number) };
        let changes: Vec<Change> = (1..=1000).map(change).collect();
        let written = payloads(&changes);
        assert!(written.len() > 1 && written.iter().all(|payload| payload.len() <= LONGEST_PAYLOAD));
        let read: Vec<Change> = written.iter().flat_map(|payload| read_payload(payload)).collect();
        assert_eq!(read, changes);
        assert_eq!(payloads(&[]), Vec::<String>::new());
        assert_eq!(
            read_payload("x 7 8: :9 10:s"),
            [Change { session: SessionId::from_text("s"), number: Some(10) }]
        );
    }
}
