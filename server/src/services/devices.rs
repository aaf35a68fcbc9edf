//! Known devices: browsers in which a user has completed a sign-in.
//!
//! A known device never skips a factor; it has small budgets of its own, so that strangers who use up
//! the account's cannot keep the owner out. The cookie holds a random device id, the user and the
//! password's version, signed; it is good for 180 days.

use std::{sync::Arc, time::Duration};

use super::{Context, sessions::UserSession};
use crate::domain::{
    client::{Client, DeviceClaim},
    clock::Timestamp,
    ids::{DeviceId, UserId},
};

/// How long a device stays known after a complete sign-in.
pub(super) const DEVICE_LIFETIME: Duration = Duration::from_secs(180 * 24 * 3600);
const PURPOSE: &str = "countersign known device";

/// Makes and reads device cookies.
#[derive(Debug, Clone)]
pub struct Devices {
    context: Arc<Context>,
}

impl Devices {
    /// Uses the context's keys and clock.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The cookie's value after a complete sign-in; a device that is known already keeps its id.
    #[must_use]
    pub fn cookie(&self, session: &UserSession, client: &Client) -> String {
        let user = session.user();
        let known = client.device.as_ref().filter(|claim| claim.user == user.id);
        let device = known.map_or_else(|| DeviceId::new(self.context.random), |claim| claim.device.clone());
        let seconds = self.context.now().0.div_euclid(1000);
        let claim = format!("{device}.{}.{}.{seconds}", user.id, user.password_version);
        let signature = self.context.keys.sign(PURPOSE, &claim);
        format!("{claim}.{signature}")
    }

    /// Reads a cookie's value; `None` if it was not made here, or too long ago.
    #[must_use]
    pub fn read(&self, cookie: &str) -> Option<DeviceClaim> {
        let mut parts = cookie.splitn(5, '.');
        let (device, user) = (parts.next()?, parts.next()?);
        let (version, seconds, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let claim = format!("{device}.{user}.{version}.{seconds}");
        if !self.context.keys.verify(PURPOSE, &claim, signature) {
            return None;
        }
        let made_at = Timestamp(seconds.parse::<i64>().ok()?.checked_mul(1000)?);
        let is_fresh = self.context.now().since(made_at) < DEVICE_LIFETIME;
        Some(DeviceClaim {
            device: DeviceId::from_text(device),
            user: UserId::from_text(user),
            password_version: version.parse().ok()?,
        })
        .filter(|_| is_fresh)
    }
}
