//! Background jobs: polling providers for answers, and removing what has ended.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tracing::Instrument;

use super::{Context, Result, ServiceError};
use crate::{
    domain::{clock::Timestamp, ids::UserId, limits::HOUR},
    provider::Reference,
    store::{
        Db, StoreError,
        approvals::{self, AtProvider, Due},
        attempts, codes, factors, messages, nonces, sessions, users,
    },
};

/// Between two looks for requests another server has sent.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Between the end of jobs that panicked and their next beginning.
const RESTART_INTERVAL: Duration = Duration::from_secs(1);
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

/// Runs the background jobs until it is dropped. A job that panics is begun again after a while: no
/// request would be polled any more without it.
pub async fn run(context: Arc<Context>) {
    loop {
        // Dropping the set ends the jobs.
        let mut jobs = JoinSet::new();
        jobs.spawn(run_jobs(Arc::clone(&context)).in_current_span());
        if let Some(Err(error)) = jobs.join_next().await {
            tracing::error!(%error, "the background jobs ended");
        }
        sleep(RESTART_INTERVAL).await;
    }
}

async fn run_jobs(context: Arc<Context>) {
    let mut next_sweep = Instant::now();
    let mut polls = JoinSet::new();
    loop {
        while polls.try_join_next().is_some() {}
        let pause = match poll_due(&context, &mut polls).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "polling for answers");
                LOOK_INTERVAL
            }
        };
        if Instant::now() >= next_sweep {
            next_sweep = Instant::now() + SWEEP_INTERVAL;
            if let Err(error) = sweep(&context).await {
                tracing::warn!(%error, "removing old rows");
            }
        }
        tokio::select! {
            () = sleep_until(Instant::now() + pause) => {}
            () = context.push_sent.notified() => {}
            () = context.clock.moved() => {}
        }
    }
}

/// Polls what is due; answers how long to wait until the next poll.
async fn poll_due(context: &Arc<Context>, polls: &mut JoinSet<()>) -> Result<Duration> {
    for due in claim_due(context).await? {
        let context = Arc::clone(context);
        polls.spawn(async move {
            if let Err(error) = poll(&context, due).await {
                tracing::warn!(%error, "noting an answer");
            }
        });
    }
    let now = context.now();
    let next = context.store.read(move |db| Ok::<_, ServiceError>(approvals::next_due(db, now)?)).await?;
    Ok(next.map_or(LOOK_INTERVAL, |next| next.since(now).clamp(Duration::from_millis(50), LOOK_INTERVAL)))
}

/// Claims the requests that are due: what another server has claimed is not among them.
async fn claim_due(context: &Context) -> Result<Vec<Due>> {
    const AT_ONCE: i64 = 100;
    let now = context.now();
    let due = context.store.read(move |db| Ok::<_, ServiceError>(approvals::due(db, now, AT_ONCE)?)).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    context
        .store
        .write(move |db| {
            let mut claimed = Vec::with_capacity(due.len());
            for due in due {
                if approvals::claim(db, &due, now)? {
                    claimed.push(due);
                }
            }
            Ok(claimed)
        })
        .await
}

/// Polls the provider that holds a request, on behalf of all who wait. A provider that fails is polled
/// again in its turn.
async fn poll(context: &Arc<Context>, due: Due) -> Result<()> {
    let Some(provider) = context.providers.get(&due.account) else { return Ok(()) };
    let answer = match provider.push_answer(&Reference(due.reference.clone())).await {
        Ok(Some(answer)) => answer,
        Ok(None) => return Ok(()),
        Err(error) => {
            tracing::debug!(%error, "polling for an answer failed");
            return Ok(());
        }
    };
    let (settling, now) = (Arc::clone(context), context.now());
    let at = AtProvider { account: due.account, reference: due.reference, user: None };
    context.store.write(move |db| settling.settle(db, &at, answer, now)).await
}

async fn sweep(context: &Context) -> Result<()> {
    let (now, lifetimes) = (context.now(), context.lifetimes());
    let mut removed = remove(context, move |db| sessions::sweep(db, now, lifetimes)).await?;
    removed += remove(context, move |db| approvals::sweep(db, now, KEEP_ROWS)).await?;
    removed += remove(context, move |db| codes::sweep(db, now, KEEP_ROWS)).await?;
    removed += remove(context, move |db| attempts::sweep(db, now, KEEP_ROWS)).await?;
    removed += remove(context, move |db| nonces::sweep(db, now, KEEP_ROWS)).await?;
    removed += remove(context, move |db| messages::sweep(db, now, KEEP_MESSAGES)).await?;
    removed += remove(context, move |db| factors::sweep(db, now, KEEP_FACTORS)).await?;
    let days = context.settings.unverified_accounts_days;
    if days > 0 {
        removed += remove_unverified(context, now.minus(HOUR * 24 * days)).await?;
    }
    if removed > 0 {
        tracing::debug!(rows = removed, "removed old rows");
    }
    Ok(())
}

/// One table at a time, so that nobody waits for all of them.
async fn remove(
    context: &Context,
    sweep: impl FnOnce(&mut Db) -> diesel::QueryResult<usize> + Send + 'static,
) -> Result<usize> {
    context.store.write(move |db| Ok(sweep(db)?)).await
}

/// Removes accounts that have verified no phone since a moment, each on its own.
async fn remove_unverified(context: &Context, before: Timestamp) -> Result<usize> {
    let found = context
        .store
        .read(move |db| Ok::<_, ServiceError>(users::never_verified(db, before, ACCOUNTS_AT_ONCE)?));
    let users: Vec<UserId> = found.await?;
    let (mut removed, now) = (0, context.now());
    for user in users {
        let done = remove(context, move |db| {
            // In the order in which an answer of the phone locks its rows: sessions' rows, then the user.
            sessions::delete_of_user(db, &user)?;
            // Its phone may be verified at this moment; then nothing is removed.
            if !users::claim_unverified(db, &user, before)? {
                return Err(diesel::result::Error::RollbackTransaction);
            }
            factors::remove_all(db, &user, now)?;
            users::delete(db, &user)
        });
        match done.await {
            Ok(rows) => removed += rows,
            Err(ServiceError::Store(StoreError::Statement(diesel::result::Error::RollbackTransaction))) => {}
            Err(error) => tracing::warn!(%error, "removing an unverified account"),
        }
    }
    Ok(removed)
}
