//! What runs beside the requests: asking how pushes stand, and sweeping out what has ended.

use std::time::Duration;

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{Failure, second_factor::SecondFactor};
use crate::{
    domain::limits::HOUR,
    store::{approvals, attempts, codes, nonces, sessions},
};

/// Between two looks for pushes another server may have left behind.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// Long enough for every limit that counts rows.
const KEEP: Duration = HOUR.saturating_mul(25);

impl SecondFactor {
    /// Runs until it is dropped.
    pub async fn keep_house(self) {
        let mut next_sweep = Instant::now();
        let mut questions = JoinSet::new();
        loop {
            while questions.try_join_next().is_some() {}
            let looked = match self.look(&mut questions).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(error = %error, "housekeeping");
                    LOOK_EVERY
                }
            };
            if Instant::now() >= next_sweep {
                next_sweep = Instant::now() + SWEEP_EVERY;
                if let Err(error) = self.sweep().await {
                    tracing::warn!(error = %error, "sweeping");
                }
            }
            tokio::select! {
                () = sleep_until(Instant::now() + looked) => {}
                () = self.pushed.notified() => {}
                () = self.clock.moved() => {}
            }
        }
    }

    /// Asks what is due, and answers how long to wait until the next question.
    async fn look(&self, questions: &mut JoinSet<()>) -> Result<Duration, Failure> {
        for reference in self.claim_due().await? {
            let asking = self.clone();
            questions.spawn(async move {
                if let Err(error) = asking.ask(reference).await {
                    tracing::warn!(error = %error, "noting a push's answer");
                }
            });
        }
        let now = self.clock.now();
        let next = self.store.read(move |db| approvals::next_due(db, now).map_err(Failure::from)).await?;
        Ok(next.map_or(LOOK_EVERY, |next| next.since(now).clamp(Duration::from_millis(50), LOOK_EVERY)))
    }

    async fn sweep(&self) -> Result<(), Failure> {
        let (now, lifetimes) = (self.clock.now(), self.lifetimes);
        let gone = self
            .store
            .write(move |db| {
                let gone = sessions::sweep(db, now, lifetimes)?
                    + approvals::sweep(db, now, KEEP)?
                    + codes::sweep(db, now, KEEP)?
                    + attempts::sweep(db, now, KEEP)?
                    + nonces::sweep(db, now, KEEP)?;
                Ok::<_, Failure>(gone)
            })
            .await?;
        if gone > 0 {
            tracing::debug!(rows = gone, "swept");
        }
        Ok(())
    }
}
