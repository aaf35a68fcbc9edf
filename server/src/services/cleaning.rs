//! Removing what nothing needs any more, a little at a time.
//!
//! Whoever writes waits for the transaction that removes rows, so each is short, and there is a pause after
//! it. How many rows go at once is found out while they go: databases and disks differ.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Context, Result, ServiceError};
use crate::{
    domain::{clock::Timestamp, ids::UserId, limits::HOUR},
    store::{
        Db, StoreError, approvals, attempts, changes, claims, codes, events, factors, links, messages,
        nonces, phone_changes, remembered_devices, sessions, users,
    },
};

/// Between two sweeps.
const SWEEP_INTERVAL: Duration = Duration::from_secs(600);
/// Long enough for every limit that counts rows.
const KEEP_ROWS: Duration = HOUR.saturating_mul(25);
/// Texts are kept so long.
const KEEP_MESSAGES: Duration = Duration::from_secs(90 * 24 * 3600);
/// Removed factors are recognized in callbacks so long.
const KEEP_FACTORS: Duration = Duration::from_secs(31 * 24 * 3600);
/// Unverified accounts removed per sweep.
const ACCOUNTS_AT_ONCE: i64 = 100;

/// Rows that are removed in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch(i64);

impl Batch {
    const FIRST: Self = Self(100);
    const LARGEST: i64 = 5000;
    /// The next batch is smaller after a transaction that took longer than this, and larger after one that
    /// took less than half of it.
    const AIM: Duration = Duration::from_millis(25);

    /// The next batch, after this one took so long.
    fn after(self, took: Duration) -> Self {
        if took > Self::AIM {
            Self((self.0 / 2).max(1))
        } else if took < Self::AIM / 2 {
            Self((self.0 * 2).min(Self::LARGEST))
        } else {
            self
        }
    }
}

/// Sweeps again and again.
pub(super) async fn run(context: Arc<Context>) {
    loop {
        match sweep(&context).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "removed old rows"),
            Err(error) => tracing::warn!(%error, "removing old rows"),
        }
        sleep(SWEEP_INTERVAL).await;
    }
}

/// Removes everything that is due; answers how many rows that were.
async fn sweep(context: &Context) -> Result<usize> {
    let now = context.now();
    let mut removed = remove_ended_sessions(context).await?;
    removed += remove(context, move |db, most| approvals::sweep(db, now, KEEP_ROWS, most)).await?;
    removed += remove(context, move |db, most| codes::sweep_sends(db, now, KEEP_ROWS, most)).await?;
    removed += remove(context, move |db, most| codes::sweep_checks(db, now, KEEP_ROWS, most)).await?;
    removed += remove(context, move |db, most| attempts::sweep(db, now, KEEP_ROWS, most)).await?;
    removed += remove(context, move |db, most| nonces::sweep(db, now, KEEP_ROWS, most)).await?;
    removed += remove(context, move |db, most| claims::sweep(db, now, KEEP_ROWS, most)).await?;
    removed += remove(context, move |db, most| messages::sweep(db, now, KEEP_MESSAGES, most)).await?;
    removed += remove(context, move |db, most| factors::sweep(db, now, KEEP_FACTORS, most)).await?;
    removed += remove(context, move |db, most| links::sweep(db, now, most)).await?;
    removed += remove(context, move |db, most| remembered_devices::sweep(db, now, most)).await?;
    removed += remove(context, move |db, most| phone_changes::sweep(db, now, most)).await?;
    let keep_events = HOUR * 24 * context.settings.events_days;
    removed += remove(context, move |db, most| events::sweep(db, now, keep_events, most)).await?;
    removed += remove(context, changes::sweep).await?;
    let days = context.settings.unverified_accounts_days;
    if days > 0 {
        removed += remove_unverified(context, now.minus(HOUR * 24 * days)).await?;
    }
    Ok(removed)
}

/// Removes rows of one kind, batch by batch, until none is left. After each batch everybody else has the
/// database for as long as the batch has had it.
async fn remove(
    context: &Context,
    sweep: impl Fn(&mut Db, i64) -> diesel::QueryResult<usize> + Clone + Send + 'static,
) -> Result<usize> {
    let (mut batch, mut removed) = (Batch::FIRST, 0);
    loop {
        let sweep = sweep.clone();
        let (rows, began) = context
            .store
            .write(move |db| {
                // From here on, when the transaction has got its turn, it is in others' way.
                let began = Instant::now();
                Ok::<_, ServiceError>((sweep(db, batch.0)?, began))
            })
            .await?;
        let took = began.elapsed();
        removed += rows;
        if rows == 0 {
            return Ok(removed);
        }
        sleep(took).await;
        batch = batch.after(took);
    }
}

/// Walks through all sessions and removes those that have ended. When that was changes with every request of a
/// session, so that no index is worth it.
async fn remove_ended_sessions(context: &Context) -> Result<usize> {
    let (now, lifetimes) = (context.now(), context.lifetimes());
    let (mut batch, mut removed, mut place) = (Batch::FIRST, 0, None);
    loop {
        let after = place.take();
        let (walked, began) = context
            .store
            .write(move |db| {
                let began = Instant::now();
                Ok::<_, ServiceError>((sessions::sweep(db, after.as_ref(), now, lifetimes, batch.0)?, began))
            })
            .await?;
        let took = began.elapsed();
        removed += walked.0;
        place = walked.1;
        if place.is_none() {
            return Ok(removed);
        }
        sleep(took).await;
        batch = batch.after(took);
    }
}

/// Removes accounts that have verified no phone since a moment, each on its own.
async fn remove_unverified(context: &Context, before: Timestamp) -> Result<usize> {
    let found = context
        .store
        .read(move |db| Ok::<_, ServiceError>(users::never_verified(db, before, ACCOUNTS_AT_ONCE)?));
    let users: Vec<UserId> = found.await?;
    let (mut removed, now) = (0, context.now());
    for user in users {
        let done = context.store.write(move |db| {
            // In the order in which an answer of the phone locks its rows: sessions' rows, then the user.
            sessions::delete_of_user(db, &user)?;
            // Its phone may be verified at this moment; then nothing is removed.
            if !users::claim_unverified(db, &user, before)? {
                return Err(StoreError::from(diesel::result::Error::RollbackTransaction));
            }
            factors::remove_all(db, &user, now)?;
            events::forget_user(db, &user)?;
            Ok(users::delete(db, &user)?)
        });
        match done.await {
            Ok(rows) => removed += rows,
            Err(StoreError::Statement(diesel::result::Error::RollbackTransaction)) => {}
            Err(error) => tracing::warn!(%error, "removing an unverified account"),
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_grows_while_it_is_quick_and_shrinks_when_it_is_slow() {
        let quick = Duration::from_millis(2);
        assert_eq!(Batch(100).after(quick), Batch(200));
        assert_eq!(Batch(Batch::LARGEST).after(quick), Batch(Batch::LARGEST));
        assert_eq!(Batch(800).after(Duration::from_millis(20)), Batch(800));
        assert_eq!(Batch(800).after(Duration::from_millis(200)), Batch(400));
        assert_eq!(Batch(1).after(Duration::from_secs(3)), Batch(1));
    }
}
