//! Password work on threads of its own, behind a bounded queue.
//!
//! Hashing takes a fraction of a second of a core and zxcvbn can take as long; neither may hold up polls,
//! callbacks or the database. Whoever finds the queue full is told to come back; whoever hangs up while
//! waiting leaves the queue.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, oneshot};

use crate::domain::{password::PasswordHasher, refusal::Refusal};

/// The queue holds what takes this long.
const QUEUE_LASTS: Duration = Duration::from_secs(5);
/// The queue holds at least so many.
const SHORTEST_QUEUE: usize = 32;
/// This part of the queue is kept for known devices.
const DEVICES_SHARE: usize = 4;

type Job = Box<dyn FnOnce(&PasswordHasher) + Send>;

/// The threads and the queue before them.
#[derive(Clone)]
pub struct PasswordWork(Arc<Inner>);

struct Inner {
    jobs: mpsc::Sender<Job>,
    /// One permit per thread; a job holds it until it is done, also when nobody waits for it any more.
    threads: Arc<Semaphore>,
    waiting: AtomicUsize,
    capacity: usize,
}

impl std::fmt::Debug for PasswordWork {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("PasswordWork").field("capacity", &self.0.capacity).finish_non_exhaustive()
    }
}

/// Who asks for the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// A device on which this user has signed in before.
    KnownDevice,
    /// Anybody else.
    Stranger,
}

/// A place in the queue, given back when the request goes away.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl PasswordWork {
    /// Starts as many threads as there are cores; measures one hash to know how many may wait.
    #[must_use]
    pub fn start(hasher: impl FnOnce() -> PasswordHasher) -> Self {
        let began = Instant::now();
        let hasher = hasher();
        let one_hash = began.elapsed().max(Duration::from_micros(100));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let in_time = QUEUE_LASTS.as_micros() / one_hash.as_micros() * threads as u128;
        let capacity = usize::try_from(in_time).unwrap_or(usize::MAX).max(SHORTEST_QUEUE);
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..threads {
            let (queue, hasher) = (Arc::clone(&queue), hasher.clone());
            let work = move || {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    match job {
                        // A defect in the work must not cost a thread.
                        Ok(job) => drop(panic::catch_unwind(AssertUnwindSafe(|| job(&hasher)))),
                        Err(mpsc::RecvError) => return,
                    }
                }
            };
            thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(work)
                .expect("the system can start a thread");
        }
        let inner = Inner {
            jobs,
            threads: Arc::new(Semaphore::new(threads)),
            waiting: AtomicUsize::new(0),
            capacity,
        };
        Self(Arc::new(inner))
    }

    /// Does password work when its turn comes.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when too much is waiting already.
    pub async fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce(&PasswordHasher) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let inner = &self.0;
        let capacity = match asker {
            Asker::KnownDevice => inner.capacity,
            Asker::Stranger => inner.capacity - inner.capacity / DEVICES_SHARE,
        };
        let place = Place(&inner.waiting);
        if inner.waiting.fetch_add(1, Ordering::Relaxed) >= capacity {
            return Err(Refusal::Busy { wait: QUEUE_LASTS });
        }
        let permit = Arc::clone(&inner.threads).acquire_owned().await.expect("the semaphore is never closed");
        drop(place);
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |hasher| {
            // Whoever asked may have hung up meanwhile.
            if !done.is_closed() {
                let _ = done.send(work(hasher));
            }
            drop(permit);
        });
        inner.jobs.send(job).expect("the threads live as long as this sender");
        Ok(result.await.expect("password work does not panic"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{keys::KeyRing, secret::Secret};

    fn work() -> PasswordWork {
        let keys = KeyRing::new(Secret::new("a secret of the application's own".into()), None);
        PasswordWork::start(|| {
            // As slow as a high cost would be: the queue is as short as it gets.
            let hasher = PasswordHasher::new(keys, 4);
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(400) {
                std::hint::spin_loop();
            }
            hasher
        })
    }

    #[tokio::test]
    async fn a_full_queue_refuses_strangers_first_and_gone_clients_make_room() {
        let work = work();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(work.0.capacity, SHORTEST_QUEUE.max(threads * 12));
        let (release, hold) = mpsc::channel::<()>();
        let hold = Arc::new(Mutex::new(hold));
        let busy: Vec<_> = (0..threads)
            .map(|_| {
                let (work, hold) = (work.clone(), Arc::clone(&hold));
                tokio::spawn(async move {
                    let wait = move |_: &PasswordHasher| drop(hold.lock().map(|hold| hold.recv()));
                    work.run(Asker::Stranger, wait).await
                })
            })
            .collect();
        while work.0.threads.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let ask = |asker| {
            let work = work.clone();
            tokio::spawn(async move { work.run(asker, |_| ()).await })
        };
        let strangers_room = work.0.capacity - work.0.capacity / DEVICES_SHARE;
        let waiting: Vec<_> = (0..strangers_room).map(|_| ask(Asker::Stranger)).collect();
        while work.0.waiting.load(Ordering::Relaxed) < strangers_room {
            tokio::task::yield_now().await;
        }
        assert!(matches!(work.run(Asker::Stranger, |_| ()).await, Err(Refusal::Busy { .. })));
        let device = ask(Asker::KnownDevice);
        while work.0.waiting.load(Ordering::Relaxed) == strangers_room {
            tokio::task::yield_now().await;
        }
        for gone in waiting {
            gone.abort();
            assert!(gone.await.is_err(), "dropped while waiting");
        }
        assert_eq!(work.0.waiting.load(Ordering::Relaxed), 1, "only the device waits");
        drop(release);
        for task in busy {
            assert_eq!(task.await.expect("it ends"), Ok(()));
        }
        assert_eq!(device.await.expect("it ends"), Ok(()));
    }
}
