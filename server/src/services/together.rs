//! Work on the database that is done at once for all who have come while the last of it ran.
//!
//! Each on its own would wait for a connection, for the same statements and, when it writes, for the disk. Whoever
//! finds nobody at work, or too many waiting, works for all who have come by then, and goes on until nobody waits.
//! When nobody else is there, nothing waits for company. Where work for several fails, it is done again for each alone: one that cannot
//! be done keeps no other back.

use std::{
    fmt,
    future::Future,
    iter, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::{Result, ServiceError};
use crate::store::StoreError;

/// Done at once: those who come later wait for it.
const MOST_TOGETHER: usize = 64;
/// Another worker is worth its statements from so many on.
const WORTH_ANOTHER: usize = 24;
/// Who may wait.
const MOST_WAITING: usize = 10_000;

/// Where an outcome goes.
type Outcome<O> = oneshot::Sender<Result<O>>;

/// A queue of work of one kind. Clones share it.
pub(super) struct Together<I, O> {
    queue: Arc<Mutex<Queue<I, O>>>,
    most_workers: usize,
}

struct Queue<I, O> {
    waiting: Vec<(I, Outcome<O>)>,
    /// How many are at work for those who wait.
    workers: usize,
}

impl<I, O> Clone for Together<I, O> {
    fn clone(&self) -> Self {
        Self { queue: Arc::clone(&self.queue), most_workers: self.most_workers }
    }
}

impl<I, O> fmt::Debug for Together<I, O> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Together")
    }
}

impl<I: Clone + Send + 'static, O: Send + 'static> Together<I, O> {
    /// A queue that so many work for at the same time, each for those it has taken.
    pub(super) fn new(most_workers: usize) -> Self {
        let queue = Queue { waiting: Vec::new(), workers: 0 };
        Self { queue: Arc::new(Mutex::new(queue)), most_workers }
    }

    /// Has `work` done with this item among others; it returns an outcome for each, in their order. It begins
    /// after this call.
    ///
    /// # Errors
    /// The work's own, [`StoreError::Busy`] where too many wait, or after a panic.
    pub(super) async fn run<W, F>(&self, item: I, work: W) -> Result<O>
    where
        W: Fn(Vec<I>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Vec<O>>> + Send,
    {
        let (outcome, told) = oneshot::channel();
        let works = {
            let mut queue = self.queue();
            if queue.waiting.len() >= MOST_WAITING {
                return Err(StoreError::Busy.into());
            }
            queue.waiting.push((item, outcome));
            let is_missing = queue.workers == 0
                || (queue.workers < self.most_workers && queue.waiting.len() >= WORTH_ANOTHER);
            queue.workers += usize::from(is_missing);
            is_missing
        };
        if works {
            // A task of its own: it goes on when this client hangs up, since others wait as well.
            let own = self.clone();
            tokio::spawn(async move { own.until_nobody_waits(work).await });
        }
        told.await.unwrap_or_else(|_| Err(StoreError::Busy.into()))
    }

    fn queue(&self) -> MutexGuard<'_, Queue<I, O>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells these clients the failure, and those who have come meanwhile: the database would fail for them as
    /// well, and they have waited.
    fn give_up(&self, clients: Vec<Outcome<O>>, failure: ServiceError) {
        let failure = Arc::new(match failure {
            ServiceError::Store(failure) => failure,
            // Work for several is refused for none of them in particular.
            other => {
                tracing::warn!(error = %other, "work for several was refused");
                StoreError::Busy
            }
        });
        let waiting = mem::take(&mut self.queue().waiting);
        let clients = clients.into_iter().chain(waiting.into_iter().map(|(_, client)| client));
        tell(clients, iter::repeat_with(|| Err(StoreError::Together(Arc::clone(&failure)).into())));
    }

    async fn until_nobody_waits<W, F>(&self, work: W)
    where
        W: Fn(Vec<I>) -> F + Sync,
        F: Future<Output = Result<Vec<O>>>,
    {
        let mut at_work = AtWork { queue: self, finished: false };
        loop {
            let batch: Vec<_> = {
                let mut queue = self.queue();
                let waiting = queue.waiting.len();
                if waiting == 0 || (queue.workers > 1 && waiting < WORTH_ANOTHER) {
                    queue.workers -= 1;
                    at_work.finished = true;
                    return;
                }
                queue.waiting.drain(..waiting.min(MOST_TOGETHER)).collect()
            };
            let (items, clients): (Vec<I>, Vec<Outcome<O>>) = batch.into_iter().unzip();
            match work(items.clone()).await {
                Ok(outcomes) => tell(clients, outcomes.into_iter().map(Ok)),
                Err(failure) if clients.len() == 1 => tell(clients, [Err(failure)]),
                Err(failure @ (ServiceError::Refused(_) | ServiceError::Store(StoreError::Statement(_)))) => {
                    tracing::warn!(error = %failure, items = clients.len(), "done one by one instead");
                    if let Err((clients, failure)) = one_by_one(&work, items, clients).await {
                        self.give_up(clients, failure);
                    }
                }
                Err(failure) => self.give_up(clients, failure),
            }
        }
    }
}

/// Does the work for each alone. It stops when it has failed for a second one, since most likely it is not the
/// item then; returns those whom nothing was done for.
async fn one_by_one<I, O, W, F>(
    work: &W,
    items: Vec<I>,
    clients: Vec<Outcome<O>>,
) -> std::result::Result<(), (Vec<Outcome<O>>, ServiceError)>
where
    W: Fn(Vec<I>) -> F + Sync,
    F: Future<Output = Result<Vec<O>>>,
{
    let (mut clients, mut has_failed) = (clients.into_iter(), false);
    for (item, client) in items.into_iter().zip(clients.by_ref()) {
        match work(vec![item]).await {
            Ok(outcome) => tell([client], outcome.into_iter().map(Ok)),
            Err(failure) if has_failed => return Err((iter::once(client).chain(clients).collect(), failure)),
            Err(failure) => {
                has_failed = true;
                tell([client], [Err(failure)]);
            }
        }
    }
    Ok(())
}

/// Tells each client its outcome. Whoever hung up is told nothing.
fn tell<O>(clients: impl IntoIterator<Item = Outcome<O>>, outcomes: impl IntoIterator<Item = Result<O>>) {
    for (client, outcome) in clients.into_iter().zip(outcomes) {
        let _ = client.send(outcome);
    }
}

/// However the work ends: if it is not at its end, after a panic or where a server stops, whoever comes next
/// works.
struct AtWork<'a, I, O> {
    queue: &'a Together<I, O>,
    finished: bool,
}

impl<I, O> Drop for AtWork<'_, I, O> {
    fn drop(&mut self) {
        if !self.finished {
            let mut queue = self.queue.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.workers -= 1;
            if queue.workers == 0 {
                queue.waiting.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    /// Works that run, and the most that ran at once.
    #[derive(Default)]
    struct Running(AtomicUsize, AtomicUsize);

    /// Doubles numbers, once it may. 13 cannot be doubled, nothing can beside 1000, and 99 panics.
    async fn double(numbers: Vec<u32>, may: Arc<Semaphore>, works: Arc<AtomicUsize>) -> Result<Vec<u32>> {
        may.acquire().await.expect("it is open").forget();
        works.fetch_add(1, Ordering::SeqCst);
        assert!(!numbers.contains(&99), "99 panics");
        if numbers.contains(&13) {
            return Err(StoreError::Statement(diesel::result::Error::RollbackTransaction).into());
        }
        if numbers.contains(&1000) {
            return Err(StoreError::UnknownKind.into());
        }
        Ok(numbers.into_iter().map(|number| number * 2).collect())
    }

    /// The outcomes of these numbers, and how often there was work; all come before there may be any.
    async fn outcomes(together: &Together<u32, u32>, numbers: &[u32]) -> (Vec<Option<u32>>, usize) {
        let (may, works) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let run = |number: &u32| {
            let (together, number) = (together.clone(), *number);
            let (may, works) = (Arc::clone(&may), Arc::clone(&works));
            let work = move |numbers| double(numbers, Arc::clone(&may), Arc::clone(&works));
            tokio::spawn(async move { together.run(number, work).await })
        };
        let runs: Vec<_> = numbers.iter().map(run).collect();
        // There is one thread: they have all been queued when this task has its turn again.
        tokio::task::yield_now().await;
        may.add_permits(1000);
        let mut told = Vec::new();
        for run in runs {
            told.push(run.await.expect("no panic here").ok());
        }
        (told, works.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn who_comes_while_others_are_worked_for_shares_the_next_work() {
        let numbers: Vec<u32> = (20..70).collect();
        let (told, works) = outcomes(&Together::new(1), &numbers).await;
        assert_eq!(told, numbers.iter().map(|number| Some(number * 2)).collect::<Vec<_>>());
        assert!(works <= 2, "{works}");
    }

    #[tokio::test]
    async fn one_that_fails_keeps_no_other_back() {
        let (told, _) = outcomes(&Together::new(1), &[1, 2, 13, 3]).await;
        assert_eq!(told, [Some(2), Some(4), None, Some(6)]);
    }

    #[tokio::test]
    async fn a_database_that_fails_is_not_asked_again_for_each() {
        let mut numbers = vec![1000; 50];
        let (told, works) = outcomes(&Together::new(1), &numbers).await;
        assert!(told.iter().all(Option::is_none) && works <= 2, "{works}");
        numbers.fill(13);
        let (told, works) = outcomes(&Together::new(1), &numbers).await;
        assert!(told.iter().all(Option::is_none) && works <= 4, "{works}");
    }

    #[tokio::test]
    async fn where_many_wait_two_work_at_once_and_a_panic_of_one_leaves_the_other_at_work() {
        let (together, running) = (Together::new(2), Arc::new(Running::default()));
        let may = Arc::new(Semaphore::new(0));
        let run = |number: u32| {
            let (together, running, may) = (together.clone(), Arc::clone(&running), Arc::clone(&may));
            let work = move |numbers: Vec<u32>| {
                let (running, may) = (Arc::clone(&running), Arc::clone(&may));
                async move {
                    let now = running.0.fetch_add(1, Ordering::SeqCst) + 1;
                    running.1.fetch_max(now, Ordering::SeqCst);
                    may.acquire().await.expect("it is open").forget();
                    running.0.fetch_sub(1, Ordering::SeqCst);
                    assert!(!numbers.contains(&99), "99 panics");
                    Ok(numbers)
                }
            };
            tokio::spawn(async move { together.run(number, work).await })
        };
        // Each worker has taken what it works on before the next ones come.
        let mut told = vec![run(99)];
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        told.extend((100..250).map(run));
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        assert_eq!(running.1.load(Ordering::SeqCst), 2, "two at once, and no third one");
        may.add_permits(1000);
        let mut outcomes = Vec::new();
        for told in told {
            outcomes.push(told.await.expect("no panic here").ok());
        }
        assert_eq!(outcomes[0], None);
        assert_eq!(outcomes[1..], (100..250).map(Some).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn after_a_panic_the_next_one_is_worked_for() {
        let together = Together::new(1);
        assert_eq!(outcomes(&together, &[99]).await.0, [None]);
        assert_eq!(outcomes(&together, &[5]).await.0, [Some(10)]);
    }
}
