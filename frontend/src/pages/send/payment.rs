//! The payment of the demonstration: its form, its approval request, and the redeeming of the approval.

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use shared::{ErrorCode, NewApproval, PushStatus};

use crate::{
    api::{self, ApiFailure},
    auth::AuthContext,
    browser,
    components::approval_request::TrackedRequest,
    flow::{RETRY_MS, Submission},
};

/// The balance of the demonstration's account, in pence.
const BALANCE: u64 = 431_022;
const ACCOUNT: &str = "Current account ••81";

/// Reads an amount in pence: `1,250` and `1250.00` are the same.
fn parse_pence(typed: &str) -> Option<u64> {
    let typed: String =
        typed.trim().trim_start_matches('£').chars().filter(|c| !matches!(c, ',' | ' ')).collect();
    let (pounds, pence) = typed.split_once('.').unwrap_or((&typed, ""));
    let digits = |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|c| c.is_ascii_digit());
    if !digits(pounds) || !(pence.is_empty() || pence.len() <= 2 && digits(pence)) {
        return None;
    }
    let pounds: u64 = pounds.parse().ok()?;
    let pence: u64 = format!("{pence:0<2}").parse().ok()?;
    Some(pounds * 100 + pence)
}

/// `£1,250.00`
fn format_pence(pence: u64) -> String {
    let mut pounds = (pence / 100).to_string();
    for at in (1..pounds.len()).rev().filter(|at| (pounds.len() - at).is_multiple_of(3)).collect::<Vec<_>>() {
        pounds.insert(at, ',');
    }
    format!("£{pounds}.{:02}", pence % 100)
}

/// A payment that the phone was asked to approve.
#[derive(Clone)]
pub struct RequestedPayment {
    uuid: String,
    /// The data of the request: the approval is for exactly this.
    data: NewApproval,
    pub amount: String,
}

type Problems = BTreeMap<&'static str, &'static str>;

/// The state of the page.
#[derive(Clone, Copy)]
pub struct Payment {
    pub auth: AuthContext,
    pub to: RwSignal<String>,
    pub amount: RwSignal<String>,
    pub note: RwSignal<String>,
    /// What is wrong with the fields, by their ids.
    pub problems: RwSignal<Problems>,
    /// `None` while the form is shown.
    pub requested: RwSignal<Option<RequestedPayment>>,
    /// The reference of the payment, after it was made.
    pub reference: RwSignal<Option<String>>,
    pub approval: TrackedRequest,
    pub offline: RwSignal<bool>,
    /// Whether the last request was cancelled while it was open on the phone.
    pub cancelled: RwSignal<bool>,
    pub submission: Submission,
}

impl Payment {
    pub fn new(auth: AuthContext) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        Self {
            auth,
            to: text("Charles Babbage"),
            amount: text("1,250.00"),
            note: text("Brass gears"),
            problems: RwSignal::default(),
            requested: RwSignal::new(None),
            reference: RwSignal::new(None),
            approval: TrackedRequest::new(),
            offline: RwSignal::new(false),
            cancelled: RwSignal::new(false),
            submission: Submission::new(),
        }
    }

    /// The data of the approval request and the amount as text, or the problems of the form.
    fn validate(self) -> Result<(NewApproval, String), Problems> {
        let to = self.to.get_untracked().trim().to_owned();
        let note = self.note.get_untracked().trim().to_owned();
        let mut problems = BTreeMap::new();
        if to.is_empty() {
            problems.insert("to", "Say who gets it.");
        } else if to.chars().count() > 60 {
            problems.insert("to", "Too long: 60 characters are the most.");
        }
        if note.chars().count() > 100 {
            problems.insert("note", "Too long: 100 characters are the most.");
        }
        let amount = match parse_pence(&self.amount.get_untracked()) {
            None => Err("Write an amount like 12.50."),
            Some(0) => Err("Nothing is no amount to send."),
            Some(pence) if pence > BALANCE => Err("More than the account holds."),
            Some(pence) => Ok(format_pence(pence)),
        };
        let amount = amount.map_err(|problem| problems.insert("amount", problem)).unwrap_or_default();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut details = BTreeMap::from([
            ("To".to_owned(), to.clone()),
            ("Amount".to_owned(), amount.clone()),
            ("From".to_owned(), ACCOUNT.to_owned()),
            ("Number".to_owned(), format!("{:02}", browser::random_below_100())),
        ]);
        if !note.is_empty() {
            details.insert("Note".to_owned(), note);
        }
        let message = format!("Send {amount} to {to}?");
        Ok((NewApproval { message, details, ..NewApproval::default() }, amount))
    }

    /// Sends the approval request, then polls its status.
    pub fn request_approval(self, mounted: Rc<Cell<bool>>) {
        let (data, amount) = match self.validate() {
            Ok(valid) => valid,
            Err(problems) => {
                let first = ["to", "amount", "note"].into_iter().find(|field| problems.contains_key(field));
                self.problems.set(problems);
                if let Some(field) = first {
                    browser::focus(&format!("#{field}"));
                }
                return;
            }
        };
        self.problems.set(BTreeMap::new());
        self.submission.run(async move {
            let created = api::create_approval(&data).await?;
            if !mounted.get() {
                return Ok(());
            }
            self.approval.details.set(data.details.clone());
            self.approval.status.set(PushStatus::Pending);
            self.approval.set_expiry(120_000, 120_000);
            self.reference.set(None);
            let requested = RequestedPayment { uuid: created.uuid, data, amount };
            self.requested.set(Some(requested.clone()));
            spawn_local(self.poll(requested, mounted));
            Ok(())
        });
    }

    async fn poll(self, requested: RequestedPayment, mounted: Rc<Cell<bool>>) {
        let is_current = || {
            let same = |newest: &RequestedPayment| newest.uuid == requested.uuid;
            mounted.get() && self.requested.with_untracked(|newest| newest.as_ref().is_some_and(same))
        };
        while is_current() {
            let pause = match api::approval(&requested.uuid).await {
                _ if !is_current() => return,
                Ok(answer) => {
                    self.offline.set(false);
                    self.approval.status.set(answer.status);
                    self.approval.set_expiry(answer.expires_in_ms, answer.lifetime_ms);
                    match answer.status {
                        PushStatus::Pending => answer.poll_after_ms,
                        PushStatus::Approved => return self.redeem(requested.clone(), false),
                        PushStatus::Denied | PushStatus::Expired | PushStatus::Unverified => return,
                    }
                }
                Err(ApiFailure::Refused { error, .. }) if error.status < 500 => {
                    // The session has ended, perhaps in another tab.
                    return self.auth.refresh().await;
                }
                Err(_) => {
                    self.offline.set(true);
                    RETRY_MS
                }
            };
            TimeoutFuture::new(pause).await;
        }
    }

    /// Redeems the approval with the data that was approved.
    fn redeem(self, requested: RequestedPayment, retry: bool) {
        self.submission.run(async move {
            match api::redeem(&requested.uuid, &requested.data).await {
                // The response to the first attempt was lost; that attempt has succeeded.
                Err(failure) if retry && failure.code() == ErrorCode::AlreadyRedeemed => {}
                result => result?,
            }
            let hex = requested.uuid.replace('-', "");
            let part = |from: usize| hex.get(from..from + 4).unwrap_or_default();
            self.reference.set(Some(format!("{}-{}", part(0), part(4))));
            Ok(())
        });
    }

    pub fn retry_redeem(self) {
        if let Some(requested) = self.requested.get_untracked() {
            self.redeem(requested, true);
        }
    }

    /// Returns to the form.
    pub fn edit(self) {
        self.cancelled.set(self.approval.status.get_untracked() == PushStatus::Pending);
        self.submission.failure.set(None);
        self.requested.set(None);
    }
}
