//! Background jobs: polling providers for answers, and removing what has ended.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{Context, Result, ServiceError};
use crate::{
    domain::limits::HOUR,
    provider::Reference,
    store::{
        approvals::{self, AtProvider, Due},
        attempts, codes, factors, messages, nonces, sessions, users,
    },
};

/// Between two looks for requests another server has sent.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
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

/// Runs the background jobs until it is dropped.
pub async fn run(context: Arc<Context>) {
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
    let days = context.settings.unverified_accounts_days;
    let removed = context
        .store
        .write(move |db| {
            let mut removed = sessions::sweep(db, now, lifetimes)?
                + approvals::sweep(db, now, KEEP_ROWS)?
                + codes::sweep(db, now, KEEP_ROWS)?
                + attempts::sweep(db, now, KEEP_ROWS)?
                + nonces::sweep(db, now, KEEP_ROWS)?
                + messages::sweep(db, now, KEEP_MESSAGES)?
                + factors::sweep(db, now, KEEP_FACTORS)?;
            if days > 0 {
                let before = now.minus(HOUR * 24 * days);
                removed += users::sweep_unverified(db, before, ACCOUNTS_AT_ONCE, now)?;
            }
            Ok::<_, ServiceError>(removed)
        })
        .await?;
    if removed > 0 {
        tracing::debug!(rows = removed, "removed old rows");
    }
    Ok(())
}
