//! Password work on threads of its own, behind a bounded queue.
//!
//! Hashing takes a fraction of a second of a core and zxcvbn can take as long; neither may hold up polls,
//! callbacks or the database. A request takes a place in the queue, waits for its turn, and works. Whoever
//! finds the queue full is told to come back; whoever hangs up while waiting leaves the queue. No address
//! can fill it alone.

use std::{
    collections::HashMap,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::domain::{
    client::Client,
    password::{LOWEST_COST, PasswordHasher},
    refusal::Refusal,
};

/// The queue holds what takes this long.
const QUEUE_LASTS: Duration = Duration::from_secs(5);
/// The queue holds at least so many.
const SHORTEST_QUEUE: usize = 32;
/// This part of the queue is kept for known devices.
const DEVICES_SHARE: usize = 4;
/// Once the queue is half full, one address has at most this part of it, a wider network of IPv6
/// addresses twice as much. Before that nobody is in another's way.
const ADDRESS_SHARE: usize = 8;

type Job = Box<dyn FnOnce(&PasswordHasher) + Send>;

/// The threads and the queue before them.
#[derive(Clone)]
pub struct PasswordWork(Arc<Inner>);

struct Inner {
    jobs: mpsc::Sender<Job>,
    /// One permit per thread; a job holds it until it is done, also when nobody waits for it any more.
    threads: Arc<Semaphore>,
    waiting: AtomicUsize,
    by_address: Mutex<HashMap<String, usize>>,
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

/// A place in the queue; it is free again when this is dropped.
pub struct Place {
    inner: Arc<Inner>,
    addresses: Vec<String>,
}

/// The turn to work: a thread is free.
pub struct Turn {
    inner: Arc<Inner>,
    permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.waiting.fetch_sub(1, Ordering::Relaxed);
        let mut counts = self.inner.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        for address in &self.addresses {
            if let Some(count) = counts.get_mut(address) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(address);
                }
            }
        }
    }
}

impl PasswordWork {
    /// Starts as many threads as there are cores; how long one hash takes says how many may wait.
    #[must_use]
    pub fn start(hasher: &PasswordHasher) -> Self {
        Self::with_queue_for(hasher, time_of_one_hash(hasher))
    }

    /// The same where one hash takes so long.
    fn with_queue_for(hasher: &PasswordHasher, one_hash: Duration) -> Self {
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
            by_address: Mutex::default(),
            capacity,
        };
        Self(Arc::new(inner))
    }

    /// Takes a place in the queue.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when too much is waiting already, in all or from this client's address.
    pub fn enter(&self, asker: Asker, client: &Client) -> Result<Place, Refusal> {
        let inner = &self.0;
        let busy = Err(Refusal::Busy { wait: QUEUE_LASTS });
        let capacity = match asker {
            Asker::KnownDevice => inner.capacity,
            Asker::Stranger => inner.capacity - inner.capacity / DEVICES_SHARE,
        };
        let mut counts = inner.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = inner.waiting.load(Ordering::Relaxed);
        if waiting >= capacity {
            return busy;
        }
        let share = inner.capacity / ADDRESS_SHARE;
        let narrow = client.limited.then(|| (client.narrow_key(), share));
        let wide = client.wide_key().filter(|_| client.limited).map(|key| (key, 2 * share));
        let keys: Vec<(String, usize)> = narrow.into_iter().chain(wide).collect();
        let is_half_full = waiting >= inner.capacity / 2;
        if is_half_full && keys.iter().any(|(key, most)| counts.get(key).is_some_and(|count| count >= most)) {
            return busy;
        }
        for (key, _) in &keys {
            *counts.entry(key.clone()).or_default() += 1;
        }
        inner.waiting.fetch_add(1, Ordering::Relaxed);
        drop(counts);
        let addresses = keys.into_iter().map(|(key, _)| key).collect();
        Ok(Place { inner: Arc::clone(inner), addresses })
    }
}

/// About how long one hash takes on this machine, from hashes of the lowest cost: finding out takes a few
/// milliseconds.
fn time_of_one_hash(hasher: &PasswordHasher) -> Duration {
    let quick = hasher.at_cost(LOWEST_COST);
    let times = (0..3).map(|_| {
        let began = Instant::now();
        let _ = quick.hash("");
        began.elapsed()
    });
    // The shortest, since another thread may have had the core meanwhile.
    let shortest = times.min().unwrap_or_default().max(Duration::from_micros(100));
    shortest * (1 << (hasher.cost() - LOWEST_COST))
}

impl Place {
    /// Waits until a thread is free.
    pub async fn turn(self) -> Turn {
        let threads = Arc::clone(&self.inner.threads);
        let permit = threads.acquire_owned().await.expect("the semaphore is never closed");
        Turn { inner: Arc::clone(&self.inner), permit }
    }
}

impl Turn {
    /// Does the work.
    pub async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce(&PasswordHasher) -> T + Send + 'static,
    ) -> T {
        let Self { inner, permit } = self;
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |hasher| {
            // Whoever asked may have gone away meanwhile.
            if !done.is_closed() {
                let _ = done.send(work(hasher));
            }
            drop(permit);
        });
        inner.jobs.send(job).expect("the threads live as long as this sender");
        result.await.expect("password work does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{keys::KeyRing, secret::Secret};

    fn client(number: usize) -> Client {
        let last = u16::try_from(number).expect("a small number").to_be_bytes();
        Client {
            browser: String::new(),
            address: [198, 51, last[0], last[1]].into(),
            limited: true,
            device: None,
            remembered: None,
            cookie_only: false,
        }
    }

    #[tokio::test]
    async fn one_address_takes_up_half_of_the_queue_and_others_their_share() {
        let work = work();
        let enter_until_refused = |address| -> Vec<Place> {
            std::iter::from_fn(|| work.enter(Asker::Stranger, &client(address)).ok()).collect()
        };
        let places = enter_until_refused(1);
        assert_eq!(places.len(), work.0.capacity / 2);
        assert!(work.enter(Asker::KnownDevice, &client(1)).is_err());
        let others = enter_until_refused(2);
        assert_eq!(others.len(), work.0.capacity / ADDRESS_SHARE);
        drop((places, others));
        assert!(work.enter(Asker::Stranger, &client(1)).is_ok());
        assert!(work.0.by_address.lock().expect("no panic").is_empty());
    }

    fn work() -> PasswordWork {
        let keys = KeyRing::new(Secret::new("a secret of the application's own".into()), None);
        // As slow as a high cost would be.
        PasswordWork::with_queue_for(&PasswordHasher::new(keys, 4), Duration::from_millis(400))
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
                    let place = work.enter(Asker::Stranger, &client(0))?;
                    place.turn().await.work(wait).await;
                    Ok::<(), Refusal>(())
                })
            })
            .collect();
        while work.0.threads.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let ask = |asker, number| {
            let work = work.clone();
            tokio::spawn(async move {
                work.enter(asker, &client(number))?.turn().await.work(|_| ()).await;
                Ok::<(), Refusal>(())
            })
        };
        let strangers_room = work.0.capacity - work.0.capacity / DEVICES_SHARE;
        let waiting: Vec<_> = (0..strangers_room).map(|number| ask(Asker::Stranger, number)).collect();
        while work.0.waiting.load(Ordering::Relaxed) < strangers_room {
            tokio::task::yield_now().await;
        }
        assert!(matches!(work.enter(Asker::Stranger, &client(1000)), Err(Refusal::Busy { .. })));
        let device = ask(Asker::KnownDevice, 1000);
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
