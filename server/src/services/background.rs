//! Background jobs: polling providers for answers here, removing old rows in `cleaning`, and waking those who
//! wait at other servers in `wakes`.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tracing::Instrument;

use super::{Context, Result, ServiceError, cleaning, outbox, wakes};
use crate::store::{
    approval_challenges::OpenRequest,
    approval_polls::{self, Due},
};

/// Between two looks for requests another server has sent.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Between the end of jobs that panicked and their next beginning.
const RESTART_INTERVAL: Duration = Duration::from_secs(1);

/// Does what the jobs had left, when the server stops.
pub async fn finish(context: &Context) {
    if let Err(error) = context.store_events().await {
        tracing::warn!(%error, "storing the last events");
    }
}

/// Runs the background jobs until it is dropped. A job that panics is begun again after a while: no
/// request would be polled any more without it.
pub async fn run(context: Arc<Context>) {
    loop {
        // Dropping the set ends the jobs.
        let mut jobs = JoinSet::new();
        jobs.spawn(poll_for_answers(Arc::clone(&context)).in_current_span());
        jobs.spawn(cleaning::run(Arc::clone(&context)).in_current_span());
        let keeping = Arc::clone(&context);
        jobs.spawn(async move { keeping.keep_events().await }.in_current_span());
        jobs.spawn(outbox::run(Arc::clone(&context)).in_current_span());
        jobs.spawn(wakes::announce_and_listen(Arc::clone(&context)).in_current_span());
        jobs.spawn(wakes::look_for_changes(Arc::clone(&context)).in_current_span());
        if let Some(Err(error)) = jobs.join_next().await {
            tracing::error!(%error, "the background jobs ended");
        }
        sleep(RESTART_INTERVAL).await;
    }
}

async fn poll_for_answers(context: Arc<Context>) {
    let mut polls = JoinSet::new();
    let mut moves = context.clock.moves();
    loop {
        while polls.try_join_next().is_some() {}
        let pause = match poll_due(&context, &mut polls).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "polling for answers");
                LOOK_INTERVAL
            }
        };
        tokio::select! {
            () = sleep_until(Instant::now() + pause) => {}
            () = context.push_sent.notified() => {}
            _ = moves.changed() => {}
        }
    }
}

/// Polls what is due; answers how long to wait until the next poll.
async fn poll_due(context: &Arc<Context>, polls: &mut JoinSet<()>) -> Result<Duration> {
    for due in claim_due(context).await? {
        let context = Arc::clone(context);
        polls.spawn(async move {
            let Due { id, account, user, reference, .. } = due;
            if let Err(error) = context.look_up_answer(OpenRequest { id, account, user, reference }).await {
                tracing::warn!(%error, "noting an answer");
            }
        });
    }
    let now = context.now();
    let next = context.store.read(|db| Ok::<_, ServiceError>(approval_polls::next_due(db)?)).await?;
    Ok(next.map_or(LOOK_INTERVAL, |next| next.since(now).clamp(Duration::from_millis(50), LOOK_INTERVAL)))
}

/// Claims the requests that are due: what another server has claimed is not among them.
async fn claim_due(context: &Context) -> Result<Vec<Due>> {
    const AT_ONCE: i64 = 500;
    let now = context.now();
    let due = context.store.read(move |db| Ok::<_, ServiceError>(approval_polls::due(db, now, AT_ONCE)?));
    let (due, over) = due.await?;
    if !over.is_empty() {
        // On its own: who claims waits for nothing else.
        context.store.write(move |db| Ok::<_, ServiceError>(approval_polls::end(db, &over)?)).await?;
    }
    if due.is_empty() {
        return Ok(Vec::new());
    }
    context
        .store
        .write(move |db| {
            let mut claimed = Vec::with_capacity(due.len());
            for due in due {
                if approval_polls::claim(db, &due, now)? {
                    claimed.push(due);
                }
            }
            Ok(claimed)
        })
        .await
}
