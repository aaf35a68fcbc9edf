//! `VerificationCheck`.

use actix_web::{
    HttpRequest,
    web::{Data, Path},
};
use serde_json::json;
use shared::sandbox::ACCOUNT_SID;

use super::{
    Outcome,
    state::{MOST_CHECKS, VerificationStatus},
};
use crate::{
    emulator::Emulator,
    format,
    response::ok,
    twilio::{error::TwilioError, params::Fields},
};

/// A wrong code is no error: it leaves the verification pending. What is over is not found, whatever ended it.
pub(super) async fn create(
    emulator: Data<Emulator>,
    request: HttpRequest,
    service: Path<String>,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        let not_found = || TwilioError::not_found(request.path());
        let gone = state.verify.switches.gone_after_checks;
        let service = state.verify.find_mut(&request, &service)?;
        let (service_sid, psd2) = (service.sid.clone(), service.flag("Psd2Enabled"));
        let Some(name) = fields.text("VerificationSid").or_else(|| fields.text("To")) else {
            return Err(TwilioError::new(400, 60221, "VerificationSid or To is required"));
        };
        let code = fields.required("Code")?;
        if !(4..=10).contains(&code.len()) {
            return Err(TwilioError::invalid("Code"));
        }
        let verification = service.verification_mut(name, now).ok_or_else(not_found)?;
        if verification.checks >= MOST_CHECKS && gone {
            return Err(not_found());
        }
        if verification.checks >= MOST_CHECKS {
            return Err(TwilioError::new(429, 60202, "Max check attempts reached"));
        }
        let same_payment = !psd2
            || (fields.text("Amount") == verification.amount.as_deref()
                && fields.text("Payee") == verification.payee.as_deref());
        verification.updated_ms = now;
        if verification.code == code && same_payment {
            verification.status = VerificationStatus::Approved;
        } else {
            verification.checks += 1;
        }
        let approved = verification.status == VerificationStatus::Approved;
        let view = json!({
            "sid": verification.sid,
            "service_sid": service_sid,
            "account_sid": ACCOUNT_SID,
            "to": verification.to,
            "channel": verification.channel.name(),
            "status": verification.status.name(),
            "valid": approved,
            "amount": verification.amount,
            "payee": verification.payee,
            "date_created": format::seconds(verification.created_ms),
            "date_updated": format::seconds(now),
            "sna_attempts_error_codes": null,
        });
        if approved {
            let last = verification.sends.last().map(|send| send.attempt.clone());
            let converted = |attempt: &&mut super::state::Attempt| Some(&attempt.sid) == last.as_ref();
            if let Some(attempt) = state.verify.attempts.iter_mut().find(converted) {
                (attempt.converted, attempt.updated_ms) = (true, now);
            }
        }
        Ok(ok(&view))
    })
}
