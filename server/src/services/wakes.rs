//! Several servers on one PostgreSQL: a change at one wakes those who wait at another.
//!
//! Two ways lead there. The server that has committed announces the change, within milliseconds. And each server
//! looks for changes in the database itself, four times a second: announcements do not pass every pooler, and
//! one may be lost with its connection.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Context, Result, ServiceError};
use crate::store::{Notifications, changes};

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// How far back a look goes: a transaction may commit long after its change was numbered.
const LOOK_BACK_SECONDS: u32 = 10;
/// Between two tries to listen.
const LISTEN_INTERVAL: Duration = Duration::from_secs(1);

/// Announces changes and listens for those of others.
pub(super) async fn announce_and_listen(context: Arc<Context>) {
    let mut was_lost = false;
    loop {
        match context.store.listen().await {
            Ok(Some(notifications)) => {
                if was_lost {
                    tracing::info!("listening for changes again");
                }
                pass_on(&context, notifications).await;
                tracing::warn!("the connection that listens for changes was lost");
            }
            // SQLite: there is nobody else.
            Ok(None) => std::future::pending().await,
            Err(error) if was_lost => tracing::debug!(%error, "listening for changes"),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "listening for changes; they are looked for instead");
            }
        }
        was_lost = true;
        sleep(LISTEN_INTERVAL).await;
    }
}

/// Until the connection is lost.
async fn pass_on(context: &Context, mut notifications: Notifications) {
    let hub = &context.hub;
    loop {
        tokio::select! {
            announced = notifications.next() => match announced {
                Some(changes) => changes.iter().for_each(|change| hub.publish(change)),
                None => return,
            },
            changes = hub.unannounced() => {
                // What cannot be announced is found by those who look for it.
                if let Err(error) = notifications.announce(&changes).await {
                    tracing::debug!(%error, "announcing changes");
                    return;
                }
            }
        }
    }
}

/// Looks for changes that were not announced.
pub(super) async fn look_for_changes(context: Arc<Context>) {
    if !context.store.is_shared() {
        return std::future::pending().await;
    }
    let look_back = Duration::from_secs(LOOK_BACK_SECONDS.into());
    let mut last_look = Instant::now();
    loop {
        sleep(LOOK_INTERVAL).await;
        // Nobody would be told; whoever comes reads the database first.
        if context.hub.is_idle() {
            last_look = Instant::now();
            continue;
        }
        match recent_changes(&context).await {
            Ok(found) => {
                if last_look.elapsed() >= look_back - LOOK_INTERVAL {
                    tracing::warn!("changes may have been missed: everybody who waits is woken");
                    context.hub.publish_all();
                }
                last_look = Instant::now();
                found.iter().for_each(|change| context.hub.publish(change));
            }
            Err(error) => tracing::debug!(%error, "looking for changes"),
        }
    }
}

async fn recent_changes(context: &Context) -> Result<Vec<changes::Change>> {
    context.store.read(|db| Ok::<_, ServiceError>(changes::recent(db, LOOK_BACK_SECONDS)?)).await
}
