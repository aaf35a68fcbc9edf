//! Sending approval requests.

use std::{sync::Arc, time::Duration};

use shared::{ApprovalRequestId, PushAnswer};

use super::{
    Context, Result, ServiceError, codes::Codes, enrolments::call_for_user, finish, number_match::NumberRule,
    sessions::UserSession,
};
use crate::{
    domain::{
        approval::{
            ApprovalPurpose, ApprovalState, FIRST_POLL, LOGIN_LIFETIME, RequestContent, SignInDetails,
        },
        client::Client,
        clock::Timestamp,
        event::{Act, Event, Outcome},
        factor::{Enrolment, Method},
        ids::{ApprovalId, DeviceId},
        limits::{DEVICES_TOGETHER, HOUR},
        refusal::{Counted, Refusal},
    },
    provider::{ProviderError, PushTo, Reference, SentPush},
    store::{
        Db, approval_challenges, approval_polls,
        approvals::{self, AtProvider, CountedFor, NewApproval},
        sessions,
        users::UserRow,
    },
};

/// Requests the provider could not send may be so many times as many as requests not approved.
const FAILED_PUSHES: u32 = 4;

/// Which details the phone shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// With a number to compare.
    WithNumber,
    /// As clients of the cookie API know it.
    ByUsername,
}

/// Sends approval requests.
#[derive(Debug, Clone)]
pub struct Pushes {
    context: Arc<Context>,
    codes: Codes,
}

/// A request to be reserved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) user: &'a UserRow,
    pub(super) content: &'a RequestContent,
    pub(super) purpose: ApprovalPurpose,
    pub(super) lifetime: Duration,
    pub(super) at: &'a Enrolment,
}

impl Pushes {
    /// Where a push is impossible, `codes` sends a code.
    #[must_use]
    pub fn new(context: Arc<Context>, codes: Codes) -> Self {
        Self { context, codes }
    }

    /// Sends an approval request; where that is impossible, a code by text.
    ///
    /// # Errors
    /// [`Refusal::PushOpen`], [`Refusal::TooMany`], or that neither could be sent.
    pub async fn ask_again(&self, session: &UserSession, client: &Client) -> Result<PushAnswer> {
        match self.send(session, client, Wording::WithNumber).await {
            Ok(uuid) => Ok(push_sent(uuid)),
            Err(ServiceError::Provider(error)) => {
                match &error {
                    ProviderError::NoPush => tracing::debug!("no push is possible, sending a code"),
                    other => tracing::warn!(error = %other, "the push failed, sending a code"),
                }
                self.code_instead(session, client).await
            }
            Err(other) => Err(other),
        }
    }

    /// The same at a login, where too many unanswered requests must not keep the owner out: then a
    /// code is sent as well.
    pub(super) async fn ask_at_login(&self, session: &UserSession, client: &Client) -> Result<PushAnswer> {
        match self.ask_again(session, client).await {
            Err(limited @ ServiceError::Refused(Refusal::TooMany { what: Counted::Pushes, .. })) => {
                match self.code_instead(session, client).await {
                    // Only the limit stands in the way of a request, and it ends.
                    Err(ServiceError::Provider(ProviderError::ChannelRefused | ProviderError::BadPhone)) => {
                        Err(limited)
                    }
                    other => other,
                }
            }
            other => other,
        }
    }

    async fn code_instead(&self, session: &UserSession, client: &Client) -> Result<PushAnswer> {
        let sent = self.codes.send(session, None, client).await?;
        Ok(PushAnswer { success: false, message: sent.message, approval_request: None, via: Some(sent.via) })
    }

    /// Sends a sign-in request and answers its reference; never a code in its place.
    ///
    /// # Errors
    /// [`Refusal::PushOpen`], [`Refusal::TooMany`], or the provider's failure.
    pub async fn send(&self, session: &UserSession, client: &Client, wording: Wording) -> Result<String> {
        let (pushes, session, client) = (self.clone(), session.clone(), client.clone());
        finish(async move { pushes.send_to_end(&session, &client, wording).await }).await
    }

    async fn send_to_end(&self, session: &UserSession, client: &Client, wording: Wording) -> Result<String> {
        let (context, user) = (&self.context, &session.user);
        let event = |outcome| {
            let event = Event::new(Act::PushSent, outcome).user(&user.id).method(Method::Push);
            context.record(event.client(client));
        };
        let rule = context.number_rule(session.session.cookie_only, user.uses_page);
        if rule == NumberRule::NoPush {
            return Err(ProviderError::NoPush.into());
        }
        let enrolled = context.enrolled(user).await?;
        if !context.may_have_devices(user, &enrolled).await? {
            return Err(ProviderError::NoPush.into());
        }
        let details = SignInDetails {
            account: &user.email,
            username: user.username.as_deref().unwrap_or(&user.email),
            browser: &client.browser,
            app_name: &context.settings.app_name,
            address: client.address.to_string(),
            phone_verified: user.is_phone_verified(),
            is_step_up: context.is_signed_in(session),
        };
        let content = match wording {
            Wording::WithNumber => RequestContent::sign_in(&details, context.now()),
            Wording::ByUsername => RequestContent::sign_in_by_username(&details, enrolled.user().as_str()),
        };
        let content = match (rule, wording) {
            (NumberRule::Asked, _) => content.asking_for_number(context.random.below_100()),
            (_, Wording::WithNumber) => content.with_number_to_compare(context.random.below_100()),
            (_, Wording::ByUsername) => content,
        };
        let request = Request {
            user,
            content: &content,
            purpose: ApprovalPurpose::SignIn,
            lifetime: LOGIN_LIFETIME,
            at: &enrolled.at,
        };
        let reserved = match self.reserve(session, &request, client).await {
            Ok(reserved) => reserved,
            Err(failure) => {
                event(Outcome::Refused);
                return Err(failure);
            }
        };
        match context.hand_to_provider(&request, &reserved).await {
            Ok(Reference(uuid)) => {
                event(Outcome::Success);
                Ok(uuid)
            }
            Err(failure) => {
                let (session_id, uncounted) = (session.session.id.clone(), !failure.may_have_been_done());
                context
                    .store
                    .write(move |db| {
                        // A request that may be on the phone stays counted.
                        if uncounted {
                            approvals::failed(db, &reserved.id)?;
                        }
                        Ok::<_, ServiceError>(sessions::set_push(db, &session_id, reserved.before.as_ref())?)
                    })
                    .await?;
                event(Outcome::Failed);
                Err(failure)
            }
        }
    }

    async fn reserve(
        &self,
        session: &UserSession,
        request: &Request<'_>,
        client: &Client,
    ) -> Result<Reserved> {
        let (context, now) = (Arc::clone(&self.context), self.context.now());
        let session_id = session.session.id.clone();
        let approval =
            NewApproval { session_id: Some(session_id.clone()), ..context.new_approval(request, now) };
        let (user, client) = (request.user.clone(), client.clone());
        self.context
            .store
            .write(move |db| {
                crate::store::lock(db, user.id.as_str())?;
                let before = sessions::push_id(db, &session_id)?;
                if let Some(newest) = &before
                    && approvals::is_open(db, newest, now)?
                {
                    return Err(Refusal::PushOpen.into());
                }
                let by_device = context.push_budget(db, &user, Counted::Pushes, &client, now)?;
                let approval = NewApproval { device_id: by_device, ..approval };
                approvals::insert(db, &approval)?;
                sessions::set_push(db, &session_id, Some(&approval.id))?;
                Ok(Reserved { id: approval.id, expires_at: approval.expires_at, before })
            })
            .await
    }
}

/// A reserved request.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) id: ApprovalId,
    pub(super) expires_at: Timestamp,
    /// The session's newest request before it.
    pub(super) before: Option<ApprovalId>,
}

impl Context {
    /// A request the provider has not accepted yet.
    pub(super) fn new_approval(&self, request: &Request<'_>, now: Timestamp) -> NewApproval {
        let Request { user, content, purpose, lifetime, at } = *request;
        NewApproval {
            id: ApprovalId::new(self.random),
            user_id: user.id.clone(),
            session_id: None,
            message: content.message.clone(),
            details: serde_json::to_string(&content.details_for_page()).expect("texts are JSON"),
            number: content.number_asked.and_then(|number| i32::try_from(number).ok()),
            status: ApprovalState::Asking,
            created_at: now,
            expires_at: now.plus(lifetime),
            purpose,
            data_digest: None,
            provider_account: at.account.clone(),
            provider_user: at.user.clone(),
            phone: user.phone.clone(),
            stranger: !user.is_phone_verified(),
            device_id: None,
        }
    }

    /// Gives a reserved request to the provider, and sees to it that the answer is polled for.
    pub(super) async fn hand_to_provider(
        self: &Arc<Self>,
        request: &Request<'_>,
        new: &Reserved,
    ) -> Result<Reference> {
        let devices = self.devices_to_ask(request.user).await?;
        let (enrolled, sent) = call_for_user!(self, request.user, |enrolled| {
            let (lifetime, expires_at) = (request.lifetime, new.expires_at);
            let to = PushTo { user: enrolled.user(), devices: &devices, lifetime, expires_at };
            enrolled.provider.send_push(to, request.content)
        })?;
        let first_poll = self.now().plus(FIRST_POLL);
        let SentPush { reference, challenges } = sent;
        let at = AtProvider { account: enrolled.at.account, reference: reference.0.clone(), user: None };
        let (id, provider_user) = (new.id.clone(), enrolled.at.user);
        self.store
            .write(move |db| {
                approvals::set_provider_user(db, &id, &provider_user)?;
                approvals::sent(db, &id, &at)?;
                approval_challenges::insert(db, &id, &challenges)?;
                Ok::<_, ServiceError>(approval_polls::begin(db, &id, first_poll)?)
            })
            .await?;
        self.push_sent.notify_one();
        Ok(reference)
    }

    /// Refuses one request more than may go without approval, whatever it asks. Answers the known
    /// device whose own budget is used because the account's or the phone's is used up.
    pub(super) fn push_budget(
        &self,
        db: &mut Db,
        user: &UserRow,
        what: Counted,
        client: &Client,
        now: Timestamp,
    ) -> Result<Option<DeviceId>> {
        let wait = match self.own_push_budget(db, user, now)? {
            None => return Ok(None),
            Some(wait) => wait,
        };
        let device = client.known_device(&user.id, user.password_version);
        let refused = || ServiceError::from(Refusal::TooMany { what, wait });
        let device = device.ok_or_else(refused)?;
        let (quota, since) = (self.limits().device.pushes, now.minus(HOUR));
        let of_device = approvals::not_approved_since(db, CountedFor::Device(&user.id, device), since)?;
        let of_devices = approvals::not_approved_since(db, CountedFor::Devices(&user.id), since)?;
        let all = quota.times(DEVICES_TOGETHER);
        let too_many = used_up(&of_device, quota.most, now).or_else(|| used_up(&of_devices, all.most, now));
        if too_many.is_some() { Err(refused()) } else { Ok(Some(device.clone())) }
    }

    /// How long until the account and its phone may be sent another request; `None` for now.
    fn own_push_budget(&self, db: &mut Db, user: &UserRow, now: Timestamp) -> Result<Option<Duration>> {
        let (limits, since) = (self.limits(), now.minus(HOUR));
        if limits.denials.is_limited() {
            let denied = approvals::denied_since(db, &user.id, now.minus(limits.denials.per * 2))?;
            let most = limits.denials.most as usize;
            if let (Some(newest), Some(oldest)) = (denied.first(), denied.get(most - 1))
                && newest.since(*oldest) <= limits.denials.per
                && newest.plus(limits.denials.per) > now
            {
                return Ok(Some(newest.plus(limits.denials.per).since(now)));
            }
        }
        let of_account = approvals::not_approved_since(db, CountedFor::Account(&user.id), since)?;
        if let Some(wait) = used_up(&of_account, limits.account_pushes.most, now) {
            return Ok(Some(wait));
        }
        // Whoever has no app costs a call to the provider each time.
        let failed = approvals::failed_since(db, &user.id, since)?;
        if let Some(wait) = used_up(&failed, limits.account_pushes.times(FAILED_PUSHES).most, now) {
            return Ok(Some(wait));
        }
        let strangers = !user.is_phone_verified();
        let quota = if strangers { limits.stranger_phone_pushes } else { limits.phone_pushes };
        crate::store::lock(db, user.phone.e164())?;
        let of_phone = CountedFor::Phone { phone: &user.phone, strangers };
        Ok(used_up(&approvals::not_approved_since(db, of_phone, since)?, quota.most, now))
    }
}

/// How long until the oldest of `most` sends is an hour old; `None` where there are fewer.
fn used_up(sent: &[Timestamp], most: u32, now: Timestamp) -> Option<Duration> {
    let most = most as usize;
    let oldest = sent.len().checked_sub(most).and_then(|at| sent.get(at))?;
    Some(oldest.plus(HOUR).since(now))
}

fn push_sent(uuid: String) -> PushAnswer {
    PushAnswer {
        success: true,
        message: "Approve the request on your phone.".to_owned(),
        approval_request: Some(ApprovalRequestId { uuid }),
        via: None,
    }
}
