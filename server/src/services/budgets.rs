//! What each act is counted for: account, phone, address, server.
//!
//! Strangers, that is accounts whose phone is not verified and verifications without an account, use
//! budgets apart from those of owners. A known device has a budget of its own, used when the account's
//! or the phone's is used up; limits of address and server apply to it as well.

use std::sync::Arc;

use super::{Context, Result, ServiceError, sessions::UserSession};
use crate::{
    domain::{
        client::Client,
        clock::Timestamp,
        ids::{AttemptId, DeviceId, UserId},
        limits::{AttemptKind, DEVICES_TOGETHER, Quota, STRANGERS_SHARE, WIDE_NETWORK},
        refusal::{Counted, Refusal},
    },
    store::{
        Db,
        attempts::{self, Count},
        users::UserRow,
    },
};

/// Counts for one act.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Of account and phone.
    pub(super) own: Vec<Count>,
    /// Of address and server: known devices have no others.
    pub(super) common: Vec<Count>,
    /// Of the known device, in place of `own`.
    pub(super) device: Option<Vec<Count>>,
}

/// Counts that were made.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) ids: Vec<AttemptId>,
    /// Whether the known device's own budget was used.
    pub(super) by_device: bool,
}

impl Budget {
    /// Makes the counts, or refuses.
    pub(super) fn count(self, db: &mut Db, now: Timestamp) -> Result<Counts> {
        let Self { own, common, device } = self;
        let all = own.into_iter().chain(common.iter().cloned()).collect();
        let refused = match attempts::count_all(db, all, now)? {
            Ok(ids) => return Ok(Counts { ids, by_device: false }),
            Err(refused) => refused,
        };
        match device {
            Some(device) => count_for_device(db, device, common, now),
            None => Err(refused.into()),
        }
    }

    /// Makes the known device's counts; `refused` where there is no known device.
    pub(super) fn count_by_device(self, db: &mut Db, refused: Refusal, now: Timestamp) -> Result<Counts> {
        match self.device {
            Some(device) => count_for_device(db, device, self.common, now),
            None => Err(refused.into()),
        }
    }
}

fn count_for_device(db: &mut Db, device: Vec<Count>, common: Vec<Count>, now: Timestamp) -> Result<Counts> {
    let all = device.into_iter().chain(common).collect();
    let ids = attempts::count_all(db, all, now)??;
    Ok(Counts { ids, by_device: true })
}

/// Takes counts back if the request goes away before what they count was begun.
pub(super) struct TakeBack {
    context: Arc<Context>,
    counted: Vec<AttemptId>,
}

impl TakeBack {
    pub(super) fn new(context: &Arc<Context>, counted: Vec<AttemptId>) -> Self {
        Self { context: Arc::clone(context), counted }
    }

    /// It was begun: the counts stay.
    pub(super) fn disarm(&mut self) -> Vec<AttemptId> {
        std::mem::take(&mut self.counted)
    }
}

impl Drop for TakeBack {
    fn drop(&mut self) {
        let counted = std::mem::take(&mut self.counted);
        if counted.is_empty() {
            return;
        }
        // When the server stops there may be no runtime any more.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let context = Arc::clone(&self.context);
        runtime.spawn(async move {
            if let Err(error) = context.take_back(counted).await {
                tracing::warn!(%error, "counts of a request that went away stay");
            }
        });
    }
}

/// Makes counts of one kind.
struct Counter<'a> {
    context: &'a Context,
    kind: AttemptKind,
    what: Counted,
}

impl Counter<'_> {
    fn count(&self, subject: &[&str], quota: Quota) -> Count {
        Count {
            id: AttemptId::new(self.context.random),
            kind: self.kind,
            subject: self.context.keys.subject(subject),
            quota,
            what: self.what,
        }
    }

    /// One count for the address, one for the wider network around it.
    fn address(&self, label: &str, client: &Client, quota: Quota) -> Vec<Count> {
        if !client.limited {
            return Vec::new();
        }
        let mut counts = vec![self.count(&[label, "address", &client.narrow_key()], quota)];
        if let Some(wide) = client.wide_key() {
            counts.push(self.count(&[label, "network", &wide], quota.times(WIDE_NETWORK)));
        }
        counts
    }

    fn device(
        &self,
        label: &str,
        device: Option<&DeviceId>,
        user: &UserRow,
        quota: Quota,
    ) -> Option<Vec<Count>> {
        let device = device?;
        Some(vec![
            self.count(&[label, "device", device.as_str(), user.id.as_str()], quota),
            self.count(&[label, "devices", user.id.as_str()], quota.times(DEVICES_TOGETHER)),
        ])
    }
}

impl Context {
    /// Takes counts back: what they count was not done.
    pub(super) async fn take_back(&self, counted: Vec<AttemptId>) -> Result<()> {
        self.store.write(move |db| Ok(attempts::take_back(db, &counted)?)).await
    }

    fn counter(&self, kind: AttemptKind, what: Counted) -> Counter<'_> {
        Counter { context: self, kind, what }
    }

    /// A code sent for an account.
    pub(super) fn send_budget(&self, user: &UserRow, client: &Client) -> Budget {
        let (limits, counter) = (self.limits(), self.counter(AttemptKind::Send, Counted::Sends));
        let mut own = vec![counter.count(&["send", "account", user.id.as_str()], limits.account_sends)];
        let mut common = vec![counter.count(&["send", "server"], limits.server_sends)];
        if user.is_phone_verified() {
            let phone = user.phone.e164();
            own.push(counter.count(&["send", "phone", phone], limits.phone_sends));
            own.push(counter.count(&["send", "phone daily", phone], limits.phone_sends_daily));
            common.extend(counter.address("send", client, limits.address_sends));
        } else {
            own.extend(self.stranger_phone_counts(&counter, user.phone.e164(), client));
            common.extend(self.stranger_counts(&counter, client));
        }
        let device = client.known_device(&user.id, user.password_version);
        Budget { own, common, device: counter.device("send", device, user, limits.device.sends) }
    }

    fn stranger_phone_counts(&self, counter: &Counter<'_>, phone: &str, client: &Client) -> Vec<Count> {
        let limits = self.limits();
        let mut counts = vec![counter.count(&["send", "stranger phone", phone], limits.stranger_phone_sends)];
        if client.limited {
            let subject = ["send", "stranger phone from", phone, &client.narrow_key()];
            counts.push(counter.count(&subject, limits.stranger_phone_sends_from_address));
        }
        counts
    }

    fn stranger_counts(&self, counter: &Counter<'_>, client: &Client) -> Vec<Count> {
        let limits = self.limits();
        let mut counts = counter.address("send stranger", client, limits.stranger_address_sends);
        counts.push(counter.count(&["send", "server strangers"], limits.server_sends.share(STRANGERS_SHARE)));
        counts
    }

    /// A code sent without an account: for the number, its hundred neighbours (nobody has that many,
    /// who pumps texts does), the address, and what strangers share.
    pub(super) fn verification_budget(&self, phone: &str, client: &Client) -> Vec<Count> {
        let (limits, counter) = (self.limits(), self.counter(AttemptKind::Send, Counted::Verifications));
        let neighbours = &phone[..phone.len().saturating_sub(2)];
        let mut counts = vec![
            counter.count(&["verification", "number", phone], limits.number_verifications),
            counter.count(&["verification", "neighbours", neighbours], limits.verifications),
            counter.count(&["send", "server"], limits.server_sends),
        ];
        counts.extend(counter.address("verification", client, limits.verifications));
        counts.extend(self.stranger_phone_counts(&counter, phone, client));
        counts.extend(self.stranger_counts(&counter, client));
        counts
    }

    /// A code typed for an account. The account's own count of wrong codes in a row is kept with the
    /// user; these are the others.
    pub(super) fn code_budget(&self, user: &UserRow, client: &Client) -> Budget {
        let (limits, counter) = (self.limits(), self.counter(AttemptKind::Code, Counted::Codes));
        let mut own = Vec::new();
        if !user.is_phone_verified() {
            let subject = ["code", "stranger phone", user.phone.e164()];
            own.push(counter.count(&subject, limits.stranger_phone_wrong_codes));
        }
        let common = counter.address("code", client, limits.address_wrong_codes);
        let device = client.known_device(&user.id, user.password_version);
        Budget { own, common, device: counter.device("code", device, user, limits.device.wrong_codes) }
    }

    /// A code typed to verify a number without an account.
    pub(super) fn number_code_budget(&self, client: &Client) -> Vec<Count> {
        self.counter(AttemptKind::NumberCode, Counted::Codes).address(
            "number code",
            client,
            self.limits().address_wrong_codes,
        )
    }

    /// A recovery code: the account's own budget, and the address'.
    pub(super) fn recovery_budget(&self, user: &UserId, client: &Client) -> Vec<Count> {
        let counter = self.counter(AttemptKind::Recovery, Counted::Codes);
        let mut counts = counter.address("recovery", client, self.limits().address_wrong_codes);
        counts.push(counter.count(&["recovery", user.as_str()], self.limits().recovery_codes));
        counts
    }

    /// A link that verifies an e-mail: of the account, and to the address, which may be anybody's.
    pub(super) fn email_link_budget(&self, user: &UserId, email_key: &str) -> Vec<Count> {
        let (quota, counter) = (self.limits().email_links, self.counter(AttemptKind::Mail, Counted::Mails));
        vec![
            counter.count(&["email link", "account", user.as_str()], quota),
            counter.count(&["email link", "to", email_key], quota),
        ]
    }

    /// A link for a forgotten password, by whoever asks.
    pub(super) fn reset_budget(&self, client: &Client) -> Vec<Count> {
        let counter = self.counter(AttemptKind::Reset, Counted::Mails);
        counter.address("reset", client, self.limits().address_resets)
    }

    /// The same to one account.
    pub(super) fn account_reset_budget(&self, user: &UserId) -> Vec<Count> {
        let counter = self.counter(AttemptKind::Reset, Counted::Mails);
        vec![counter.count(&["reset", user.as_str()], self.limits().resets)]
    }

    /// A code to a number that is to become an account's phone. Nobody has verified the number, so strangers' budgets count.
    pub(super) fn new_phone_budget(&self, session: &UserSession, phone: &str, client: &Client) -> Vec<Count> {
        let user = &session.user;
        let (limits, counter) = (self.limits(), self.counter(AttemptKind::Send, Counted::Sends));
        let mut counts = vec![
            counter.count(&["send", "account", user.id.as_str()], limits.account_sends),
            counter.count(&["send", "server"], limits.server_sends),
            self.resend_count(session.session.id.as_str()),
        ];
        counts.extend(self.stranger_phone_counts(&counter, phone, client));
        counts.extend(self.stranger_counts(&counter, client));
        counts
    }

    /// A code typed to confirm an authenticator app.
    pub(super) fn confirmation_budget(&self, user: &UserId) -> Vec<Count> {
        let counter = self.counter(AttemptKind::Confirmation, Counted::Codes);
        vec![counter.count(&["confirmation", user.as_str()], self.limits().confirmations)]
    }

    /// A token that registers a device.
    pub(super) fn device_token_budget(&self, user: &UserId) -> Vec<Count> {
        let counter = self.counter(AttemptKind::DeviceToken, Counted::DeviceTokens);
        vec![counter.count(&["device token", user.as_str()], self.limits().device_tokens)]
    }

    /// Whether the provider may be asked once more for a user's factors because somebody looks at them or signs in;
    /// counts it.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn may_look_at_factors(&self, user: &UserId) -> Result<bool> {
        let counter = self.counter(AttemptKind::DeviceList, Counted::DeviceTokens);
        let budget = vec![counter.count(&["device list", user.as_str()], self.limits().device_lists)];
        let now = self.now();
        let counted =
            self.store.write(move |db| Ok::<_, ServiceError>(attempts::count_all(db, budget, now)??));
        match counted.await {
            Ok(_) => Ok(true),
            Err(ServiceError::Refused(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// A password typed for an account, or for a name nobody has: both count alike.
    pub(super) fn password_budget(&self, whose: &str, user: Option<&UserRow>, client: &Client) -> Budget {
        let (limits, counter) = (self.limits(), self.counter(AttemptKind::Password, Counted::Passwords));
        let common = counter.address("password", client, limits.address_wrong_passwords);
        let device = user.and_then(|user| {
            let device = client.known_device(&user.id, user.password_version);
            counter.device("password", device, user, limits.device.wrong_passwords)
        });
        // What known devices guess is counted for them in place of the account.
        let of_account =
            || vec![counter.count(&["password", "account", whose], limits.account_wrong_passwords)];
        let own = device.clone().unwrap_or_else(of_account);
        Budget { own, common, device }
    }

    /// An account made.
    pub(super) fn sign_up_budget(&self, client: &Client) -> Vec<Count> {
        let counter = self.counter(AttemptKind::SignUp, Counted::SignUps);
        counter.address("sign-up", client, self.limits().sign_ups)
    }

    /// One send per session and interval.
    pub(super) fn resend_count(&self, session: &str) -> Count {
        let quota = Quota { most: 1, per: self.limits().resend_after };
        self.counter(AttemptKind::Send, Counted::Resends).count(&["resend", session], quota)
    }

    /// The client's address, as stored with its sessions; of IPv6 the /48, in which one customer can
    /// have many addresses.
    pub(super) fn address_key(&self, client: &Client) -> String {
        let network = client.wide_key().unwrap_or_else(|| client.narrow_key());
        self.keys.subject(&["session", &network])
    }
}
