//! The services that handlers ask for, made once and shared by all workers.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};

use crate::services::{
    Context, Devices, accounts::Accounts, actions::Actions, activity::ActivityReader, answers::Answers,
    authenticators::Authenticators, codes::Codes, confirmations::Confirmations, emails::Emails,
    factors::Factors, number_match::NumberMatch, number_verification::NumberVerification, own_data::OwnData,
    password_work::PasswordWork, phone_change::PhoneChanges, provider_events::ProviderEvents,
    push_devices::PushDevices, pushes::Pushes, recovery::Recovery, remembered::Remembered,
    securing::Securing, sessions::Sessions,
};

/// All of them.
#[derive(Clone)]
pub(super) struct AppServices {
    accounts: Data<Accounts>,
    actions: Data<Actions>,
    activity: Data<ActivityReader>,
    answers: Data<Answers>,
    authenticators: Data<Authenticators>,
    codes: Data<Codes>,
    confirmations: Data<Confirmations>,
    devices: Data<Devices>,
    emails: Data<Emails>,
    factors: Data<Factors>,
    numbers: Data<NumberMatch>,
    own_data: Data<OwnData>,
    phone_changes: Data<PhoneChanges>,
    provider_events: Data<ProviderEvents>,
    push_devices: Data<PushDevices>,
    pushes: Data<Pushes>,
    recovery: Data<Recovery>,
    remembered: Data<Remembered>,
    securing: Data<Securing>,
    sessions: Data<Sessions>,
    verification: Data<NumberVerification>,
}

impl AppServices {
    pub(super) fn new(context: &Arc<Context>, passwords: PasswordWork, confirmations: Confirmations) -> Self {
        let codes = Codes::new(Arc::clone(context));
        let pushes = Pushes::new(Arc::clone(context), codes.clone());
        let accounts = Accounts::new(Arc::clone(context), passwords, pushes.clone());
        let phone_changes =
            PhoneChanges::new(Arc::clone(context), accounts.clone(), codes.clone(), confirmations.clone());
        Self {
            own_data: Data::new(OwnData::new(Arc::clone(context), accounts.clone())),
            accounts: Data::new(accounts),
            actions: Data::new(Actions::new(Arc::clone(context))),
            activity: Data::new(ActivityReader::new(Arc::clone(context))),
            answers: Data::new(Answers::new(Arc::clone(context))),
            authenticators: Data::new(Authenticators::new(Arc::clone(context))),
            codes: Data::new(codes),
            confirmations: Data::new(confirmations),
            devices: Data::new(Devices::new(Arc::clone(context))),
            emails: Data::new(Emails::new(Arc::clone(context))),
            factors: Data::new(Factors::new(Arc::clone(context))),
            numbers: Data::new(NumberMatch::new(Arc::clone(context))),
            phone_changes: Data::new(phone_changes),
            provider_events: Data::new(ProviderEvents::new(Arc::clone(context))),
            push_devices: Data::new(PushDevices::new(Arc::clone(context))),
            pushes: Data::new(pushes),
            recovery: Data::new(Recovery::new(Arc::clone(context))),
            remembered: Data::new(Remembered::new(Arc::clone(context))),
            securing: Data::new(Securing::new(Arc::clone(context))),
            sessions: Data::new(Sessions::new(Arc::clone(context))),
            verification: Data::new(NumberVerification::new(Arc::clone(context))),
        }
    }

    /// Hands them to the handlers of a worker.
    pub(super) fn register(&self, app: &mut ServiceConfig) {
        app.app_data(self.accounts.clone())
            .app_data(self.actions.clone())
            .app_data(self.activity.clone())
            .app_data(self.answers.clone())
            .app_data(self.authenticators.clone())
            .app_data(self.codes.clone())
            .app_data(self.confirmations.clone())
            .app_data(self.devices.clone())
            .app_data(self.emails.clone())
            .app_data(self.factors.clone())
            .app_data(self.numbers.clone())
            .app_data(self.own_data.clone())
            .app_data(self.phone_changes.clone())
            .app_data(self.provider_events.clone())
            .app_data(self.push_devices.clone())
            .app_data(self.pushes.clone())
            .app_data(self.recovery.clone())
            .app_data(self.remembered.clone())
            .app_data(self.securing.clone())
            .app_data(self.sessions.clone())
            .app_data(self.verification.clone());
    }
}
