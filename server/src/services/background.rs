//! Background jobs: polling providers for answers here, removing old rows in `cleaning`, and waking those who
//! wait at other servers in `wakes`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tracing::Instrument;

use super::{Context, Result, ServiceError, answers::SettledAnswer, cleaning, wakes};
use crate::{
    provider::Reference,
    store::{
        StoreError,
        approval_polls::{self, Due},
        approvals::{self, Answered, AtProvider},
    },
};

/// Between two looks for requests another server has sent.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Between the end of jobs that panicked and their next beginning.
const RESTART_INTERVAL: Duration = Duration::from_secs(1);

/// Runs the background jobs until it is dropped. A job that panics is begun again after a while: no
/// request would be polled any more without it.
pub async fn run(context: Arc<Context>) {
    loop {
        // Dropping the set ends the jobs.
        let mut jobs = JoinSet::new();
        jobs.spawn(poll_for_answers(Arc::clone(&context)).in_current_span());
        jobs.spawn(cleaning::run(Arc::clone(&context)).in_current_span());
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
            if let Err(error) = poll(&context, due).await {
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
    let at = AtProvider { account: due.account, reference: due.reference, user: None };
    let answered = Answered { at, answer, came_at: context.now() };
    let settled = match settle(context, answered.clone()).await {
        // Most likely another transaction about the same person, which is over now.
        Err(ServiceError::Store(StoreError::Statement(_))) => settle(context, answered).await?,
        other => other?,
    };
    settled.iter().for_each(SettledAnswer::record);
    Ok(())
}

async fn settle(context: &Arc<Context>, answered: Answered) -> Result<Vec<SettledAnswer>> {
    let (settling, now) = (Arc::clone(context), context.now());
    let settled = context.store.write(move |db| {
        let open = approvals::open(db, &BTreeSet::from([answered.at.reference.as_str()]))?;
        settling.settle(db, &open, &[answered], now)
    });
    settled.await
}
