//! At most so many open connections per client address.

use std::{
    any::Any,
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{dev::Extensions, rt::net::TcpStream};

/// Browsers open about six per server; trusted proxies are exempt.
const MOST_CONNECTIONS: usize = 1000;

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Counts connections by their address.
#[derive(Debug, Clone, Default)]
pub struct Connections(Counts);

/// One connection, until it is closed.
#[derive(Debug)]
pub(super) struct ConnectionCount {
    counts: Counts,
    address: IpAddr,
    over: bool,
}

impl Connections {
    /// Counts a new connection, unless its address is exempt.
    pub fn opened(&self, connection: &dyn Any, data: &mut Extensions, is_exempt: impl Fn(IpAddr) -> bool) {
        let peer = connection.downcast_ref::<TcpStream>().and_then(|stream| stream.peer_addr().ok());
        let Some(address) = peer.map(|peer| peer.ip().to_canonical()) else { return };
        if is_exempt(address) {
            return;
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        *count += 1;
        let over = *count > MOST_CONNECTIONS;
        data.insert(ConnectionCount { counts: Arc::clone(&self.0), address, over });
    }
}

impl ConnectionCount {
    /// Whether too many were open when this one was opened.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}
