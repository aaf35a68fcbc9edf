//! Changing an account's phone: the new number is verified by a code before it takes the place of the old one.

use std::{sync::Arc, time::Duration};

use shared::{ChangePhone, CodeSent, Via};

use super::{
    Context, Result, ServiceError,
    accounts::Accounts,
    claims::CodeFor,
    code_checks::Verified,
    codes::{CODE_LIFETIME, Codes},
    confirmations::Confirmations,
    factor_passed::Changed,
    finish,
    outbox::Restored,
    sessions::UserSession,
};
use crate::{
    domain::{
        account::read_phone,
        client::Client,
        code::Code,
        event::{Act, Event, Outcome},
        factor::{Enrolment, Method},
        ids::FactorId,
        limits::DAY,
        link::LinkKind,
        notice::Notice,
        phone::Phone,
        refusal::Refusal,
    },
    provider::{CodeCheck, CodePurpose, Person, Provider, ProviderError, Reference},
    store::{
        attempts,
        columns::ViaColumn,
        credentials, enrolments,
        factors::NewFactor,
        own_sessions,
        phone_changes::{self, PhoneChange},
        remembered_devices,
        users::{self, UserRow},
    },
};

/// After a sign-up a mistyped phone can be corrected with the password for so long.
const CORRECTION_LASTS: Duration = DAY.saturating_mul(7);

/// Changes phones.
#[derive(Debug, Clone)]
pub struct PhoneChanges {
    context: Arc<Context>,
    accounts: Accounts,
    codes: Codes,
    confirmations: Confirmations,
}

/// What is there once the new phone is the account's.
struct Switched {
    verified: Verified,
    changed: Changed,
    /// The phone before it, if that was verified, and a link that brings it back.
    old: Option<(Phone, String)>,
}

impl PhoneChanges {
    /// Checks passwords by `accounts`, counts wrong codes as `codes` does, and tells old phones by `confirmations`.
    #[must_use]
    pub fn new(
        context: Arc<Context>,
        accounts: Accounts,
        codes: Codes,
        confirmations: Confirmations,
    ) -> Self {
        Self { context, accounts, codes, confirmations }
    }

    /// Sends a code to the number that is to become the account's phone.
    ///
    /// # Errors
    /// [`Refusal::StepUpRequired`]; [`Refusal::SecondFactorRequired`] for a pending session that may not correct the
    /// phone; [`Refusal::WrongPassword`]; [`Refusal::InvalidFields`]; [`Refusal::TooMany`]; or the provider's failure.
    pub async fn start(
        &self,
        session: &UserSession,
        wish: ChangePhone,
        via: Option<Via>,
        client: &Client,
    ) -> Result<CodeSent> {
        let context = &self.context;
        let is_correction = context.may_correct_phone(&session.user) && !context.is_stepped_up(session);
        if !is_correction {
            if !context.is_signed_in(session) {
                return Err(Refusal::SecondFactorRequired.into());
            }
            context.require_step_up(session)?;
        }
        let phone = read_phone(&wish.country_code, &wish.phone, &context.settings.numbers)?;
        let via = context.number_channel(via)?;
        if is_correction {
            self.accounts.check_own_password(session, wish.password, client).await?;
        }
        let (changes, session, client) = (self.clone(), session.clone(), client.clone());
        finish(async move { changes.send(&session, phone, via, is_correction, &client).await }).await
    }

    async fn send(
        &self,
        session: &UserSession,
        phone: Phone,
        via: Via,
        is_correction: bool,
        client: &Client,
    ) -> Result<CodeSent> {
        let (context, user) = (&self.context, &session.user);
        let event = |outcome| {
            let event = Event::new(Act::CodeSent, outcome).user(&user.id).method(via.into());
            context.record(event.client(client));
        };
        let (budget, now) = (context.new_phone_budget(session, phone.e164(), client), context.now());
        let counted =
            context.store.write(move |db| Ok::<_, ServiceError>(attempts::count_all(db, budget, now)??));
        let counted = counted.await.inspect_err(|_| event(Outcome::Refused))?;
        let provider = Arc::clone(context.providers.current());
        let (at, reference) = match self.send_by(&provider, session, &phone, via).await {
            Ok(sent) => sent,
            Err(failure) => {
                if !failure.may_have_been_done() {
                    context.take_back(counted).await?;
                }
                event(Outcome::Failed);
                return Err(refused_number(failure.into_cause()));
            }
        };
        let change = PhoneChange {
            user_id: user.id.clone(),
            session_id: session.session.id.clone(),
            phone: phone.clone(),
            provider_account: at.account,
            provider_user: at.user,
            reference,
            via: ViaColumn(via),
            expires_at: now.plus(CODE_LIFETIME),
        };
        let permitting = Arc::clone(context);
        let noted = context.store.write(move |db| {
            // The phone may have been verified while the code was sent: the password is not enough any more then, and
            // no change that began with it is kept (`factor_passed`).
            crate::store::lock(db, change.user_id.as_str())?;
            let user = users::by_id(db, &change.user_id)?.ok_or(ServiceError::from(Refusal::NoSession))?;
            if is_correction && !permitting.may_correct_phone(&user) {
                return Err(Refusal::StepUpRequired.into());
            }
            Ok::<_, ServiceError>(phone_changes::replace(db, &change)?)
        });
        noted.await?;
        event(Outcome::Success);
        let masked = phone.masked();
        let message = match via {
            Via::Call => format!("We're calling {masked} with your code."),
            Via::WhatsApp => format!("We sent a code by WhatsApp to {masked}."),
            Via::Sms | Via::Email => format!("We sent a code by text message to {masked}."),
        };
        let resend_after_seconds = u32::try_from(context.limits().resend_after.as_secs()).unwrap_or(u32::MAX);
        Ok(CodeSent { message, via, phone: masked, resend_after_seconds })
    }

    /// Enrols the number and sends a code to it; answers where it is enrolled, and the code's reference.
    async fn send_by(
        &self,
        provider: &Provider,
        session: &UserSession,
        phone: &Phone,
        via: Via,
    ) -> Result<(Enrolment, String)> {
        let user = &session.user;
        let person = Person { email: &user.email, phone: phone.number() };
        let enrolled = provider.enrol(person).await?;
        let at = Enrolment { account: provider.account().clone(), user: enrolled };
        if let Some(service) = provider.claimed_service(CodePurpose::Enrolment) {
            let code = code_for(user.id.as_str(), phone);
            let sent = self.context.send_claimed(provider, service, code, via).await?;
            return Ok((at, sent.verification));
        }
        let action = self.action(session, phone);
        let Reference(reference) = provider.send_code(&at.user, via, &action).await?;
        Ok((at, reference))
    }

    /// Binds a code to this account, session and number.
    fn action(&self, session: &UserSession, phone: &Phone) -> String {
        let parts = ["phone change", session.user.id.as_str(), session.session.id.as_str(), phone.e164()];
        self.context.keys.subject(&parts)
    }

    /// Checks the code that was sent to the new number; when it is right, that number is the account's phone. Other
    /// sessions end, and the code counts as a factor of this one.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where this session has asked for no code, or it has expired; [`Refusal::WrongCode`],
    /// [`Refusal::TooMany`]; [`Refusal::PhoneInUse`]; or that the provider could not tell.
    pub async fn verify(&self, session: &UserSession, code: &Code, client: &Client) -> Result<Verified> {
        let (changes, session) = (self.clone(), session.clone());
        let (code, client) = (code.clone(), client.clone());
        finish(async move { changes.verify_to_end(&session, &code, &client).await }).await
    }

    async fn verify_to_end(&self, session: &UserSession, code: &Code, client: &Client) -> Result<Verified> {
        let (context, user, now) = (&self.context, &session.user, self.context.now());
        let (user_id, session_id) = (user.id.clone(), session.session.id.clone());
        let change = context.store.read(move |db| {
            Ok::<_, ServiceError>(phone_changes::of_session(db, &user_id, &session_id, now)?)
        });
        let change = change.await?.ok_or(ServiceError::from(Refusal::NotFound))?;
        let event = |outcome| {
            let event = Event::new(Act::CodeChecked, outcome).user(&user.id);
            context.record(event.method(change.via.0.into()).client(client));
        };
        let reserved =
            self.codes.reserve_check(session, client).await.inspect_err(|_| event(Outcome::Refused))?;
        let is_right = match self.is_right(session, &change, code).await {
            Ok(is_right) => is_right,
            Err(failure) => {
                self.codes.give_back_check(&user.id, reserved).await;
                event(Outcome::Failed);
                return Err(failure);
            }
        };
        if !is_right {
            self.codes.note_wrong(session, &reserved, client).await?;
            event(Outcome::Wrong);
            return Err(Refusal::WrongCode { left: reserved.left }.into());
        }
        let switched = match self.switch(session, change.clone(), client).await {
            Ok(switched) => switched,
            Err(failure) => {
                self.codes.give_back_check(&user.id, reserved).await;
                event(Outcome::Failed);
                return Err(failure);
            }
        };
        self.codes.give_back_check(&user.id, reserved).await;
        event(Outcome::Success);
        switched.changed.record(context);
        context.record(Event::new(Act::PhoneChanged, Outcome::Success).user(&user.id).client(client));
        if let Some((old, url)) = switched.old {
            self.confirmations.tell_old_phone(&old, &url).await;
        }
        Ok(switched.verified)
    }

    async fn is_right(&self, session: &UserSession, change: &PhoneChange, code: &Code) -> Result<bool> {
        let context = &self.context;
        let Some(provider) = context.providers.get(&change.provider_account) else { return Ok(false) };
        let checked = match provider.claimed_service(CodePurpose::Enrolment) {
            Some(service) => {
                let of = code_for(session.user.id.as_str(), &change.phone);
                context.check_claimed(provider, service, of, code).await?
            }
            None => {
                let (reference, action) =
                    (Reference(change.reference.clone()), self.action(session, &change.phone));
                match provider.check_code(&reference, code, Some(&action)).await {
                    Err(ProviderError::UnknownUser) => CodeCheck::Wrong,
                    other => other?,
                }
            }
        };
        // A code of the app may be another account's.
        Ok(matches!(checked, CodeCheck::SentCode | CodeCheck::UnspecifiedCode))
    }

    async fn switch(&self, session: &UserSession, change: PhoneChange, client: &Client) -> Result<Switched> {
        let context = Arc::clone(&self.context);
        let (now, token) = (context.now(), context.next_token(session));
        let (session, client) = (session.clone(), client.clone());
        let id = FactorId::new(context.random);
        let switching = Arc::clone(&context);
        let switched = context.store.write(move |db| {
            let context = switching;
            crate::store::lock(db, session.user.id.as_str())?;
            let user = users::by_id(db, &session.user.id)?.ok_or(ServiceError::from(Refusal::NoSession))?;
            if !phone_changes::delete(db, &user.id)? {
                // Another request has switched it already.
                return Err(Refusal::NotFound.into());
            }
            let is_new = user.phone != change.phone || !user.is_phone_verified();
            let most = context.limits().accounts_per_phone;
            if is_new && users::is_phone_used_up(db, change.phone.e164(), most, now)? {
                return Err(Refusal::PhoneInUse.into());
            }
            credentials::set_phone(db, &user.id, &change.phone, now)?;
            let at = Enrolment { account: change.provider_account, user: change.provider_user };
            enrolments::replace(db, &NewFactor::phone(id, user.id.clone(), at, Some(now), now), now)?;
            remembered_devices::delete_all(db, &user.id)?;
            own_sessions::delete_others(db, &user.id, &session.session.id)?;
            let method = Method::from(change.via.0);
            let (verified, changed) = context.complete(db, &session, (method, false), true, token, now)?;
            let origin = Event::new(Act::PhoneChanged, Outcome::Success).client(&client).origin;
            let old = user.is_phone_verified().then(|| user.phone.clone());
            let brings = || Restored { email: None, phone: old.as_ref().map(|old| old.e164().to_owned()) };
            context.notify_with(db, &user, Notice::PhoneChanged, origin, brings(), now)?;
            let old = match &old {
                Some(phone) => {
                    let url = context.make_link(db, &user, LinkKind::Secure, brings(), now)?;
                    Some((phone.clone(), url))
                }
                None => None,
            };
            Ok(Switched { verified, changed, old })
        });
        switched.await
    }
}

fn code_for<'a>(owner: &'a str, phone: &'a Phone) -> CodeFor<'a> {
    CodeFor { owner, purpose: CodePurpose::Enrolment, to: phone.e164() }
}

/// What the provider says about a number is told at its field.
fn refused_number(failure: ServiceError) -> ServiceError {
    match failure {
        ServiceError::Provider(ProviderError::BadPhone | ProviderError::ChannelRefused) => {
            let problem = "This number can't receive codes. Use another number.".to_owned();
            Refusal::InvalidFields([("phone", problem)].into()).into()
        }
        other => other,
    }
}

impl Context {
    /// Whether a mistyped phone may be corrected with the password: no factor of the account has ever passed, and it was
    /// made by a sign-up within a week.
    pub(super) fn may_correct_phone(&self, user: &UserRow) -> bool {
        let is_unused = user.last_sign_in_at.is_none() && !user.is_phone_verified();
        let signed_up_at = user.unverified_since.filter(|_| is_unused);
        signed_up_at.is_some() && self.now().since(user.created_at) <= CORRECTION_LASTS
    }
}
