//! Verifying any phone, with or without an account.

use actix_session::Session;
use actix_web::web::{Data, Json};
use shared::{
    ApiError,
    cookie_api::{CheckVerification, StartVerification, VerificationPassed, VerificationStarted},
    phone::{PhoneNumber, PhoneProblem},
    routes::cookie_api as paths,
};

use crate::{
    domain::refusal::Refusal,
    http::{
        auth::OptionalSession,
        body::Body,
        client::RequestClient,
        cookie::set_session_cookie,
        error::{Error, Result, invalid},
        sessions::{code, via},
    },
    provider::ProviderError,
    services::{
        ServiceError,
        codes::CODE_LIFETIME,
        number_verification::{NumberVerification, Wish},
        sessions::{CurrentSession, Sessions},
    },
};

/// A number in either form; what is missing is named.
fn read(country_code: &str, phone_number: &str, e164: &str) -> Result<PhoneNumber> {
    if !e164.trim().is_empty() {
        return PhoneNumber::read_e164(e164).map_err(|problem| invalid("phoneNumber", &problem.to_string()));
    }
    if phone_number.trim().is_empty() {
        return Err(invalid("phone_number", "Enter your phone number."));
    }
    if country_code.trim().is_empty() {
        return Err(invalid("country_code", "Choose the country of this number."));
    }
    PhoneNumber::read(country_code, phone_number).map_err(|problem| {
        let field = match problem {
            PhoneProblem::UnknownCallingCode => "country_code",
            _ => "phone_number",
        };
        invalid(field, &problem.to_string())
    })
}

/// What is wrong with the phone is told at the field the client sent.
fn at_sent_field(error: ServiceError, wish: &StartVerification) -> Error {
    let field = if wish.e164.trim().is_empty() { "phone_number" } else { "phoneNumber" };
    match error {
        ServiceError::Provider(ProviderError::BadPhone) => {
            invalid(field, "This number can't receive codes. Use another number.")
        }
        ServiceError::Refused(Refusal::InvalidFields(fields)) => match fields.get("phone") {
            Some(problem) => invalid(field, problem),
            None => Refusal::InvalidFields(fields).into(),
        },
        other => other.into(),
    }
}

/// Send a code to a phone
///
/// Six digits. The code is bound to this session; where there is none, one is made.
#[utoipa::path(
    post, path = paths::VERIFICATION_START, tag = "Cookie API", request_body = StartVerification, security(()),
    responses(
        (status = 200, description = "A code was sent", body = VerificationStarted),
        (status = 422, description = "A field is missing or wrong; also in `error`", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider failed", body = ApiError),
    )
)]
pub(in crate::http) async fn start(
    verification: Data<NumberVerification>,
    sessions: Data<Sessions>,
    cookie: Session,
    RequestClient(client): RequestClient,
    OptionalSession(session): OptionalSession,
    Body(wish): Body<StartVerification>,
) -> Result<Json<VerificationStarted>> {
    let phone = read(&wish.country_code, &wish.phone_number, &wish.e164)?;
    let number = shared::phone::written(phone.calling_code(), phone.national());
    // Facts about a phone are for those who have an account.
    let tells_facts = match session.clone().and_then(CurrentSession::into_user_session) {
        Some(session) if wish.carrier => sessions.require_signed_in(session).await.is_ok(),
        _ => false,
    };
    let asked = Wish { phone, via: via(&wish.via)? };
    let started = verification.start(session, asked, &client).await;
    let started = started.map_err(|error| at_sent_field(error, &wish))?;
    if let Some(token) = &started.token {
        set_session_cookie(&cookie, token)?;
    }
    let message = match started.via {
        shared::Via::Sms => format!("Text message sent to {number}."),
        shared::Via::Call => format!("Call to {number} initiated."),
        shared::Via::WhatsApp | shared::Via::Email => format!("Code sent to {number}."),
    };
    let token = started.token.filter(|_| !client.cookie_only);
    Ok(Json(VerificationStarted {
        success: true,
        message,
        via: started.via,
        carrier: started.facts.carrier.filter(|_| tells_facts),
        is_cellphone: started.facts.is_cellphone.filter(|_| tells_facts),
        seconds_to_expire: u32::try_from(CODE_LIFETIME.as_secs()).unwrap_or(u32::MAX),
        resend_after_seconds: started.resend_after_seconds,
        token: token.map(|token| token.reveal().to_owned()),
    }))
}

/// Check a code
///
/// When it is right, this session has verified the phone.
#[utoipa::path(
    post, path = paths::VERIFICATION_VERIFY, tag = "Cookie API", request_body = CheckVerification,
    responses(
        (status = 200, description = "Verified", body = VerificationPassed),
        (status = 401, description = "Wrong code, or none was sent in this session", body = ApiError),
        (status = 422, description = "A field is missing or wrong; also in `error`", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
    )
)]
pub(in crate::http) async fn verify(
    verification: Data<NumberVerification>,
    cookie: Session,
    RequestClient(client): RequestClient,
    OptionalSession(session): OptionalSession,
    Body(typed): Body<CheckVerification>,
) -> Result<Json<VerificationPassed>> {
    let phone = read(&typed.country_code, &typed.phone_number, &typed.e164)?;
    let code = code("token", &typed.token)?;
    let session = session.ok_or(Refusal::WrongCode { left: None })?;
    if let Some(token) = verification.check(&session, &phone, &code, &client).await? {
        set_session_cookie(&cookie, &token)?;
    }
    let message = "Verification code is correct.".to_owned();
    Ok(Json(VerificationPassed { success: true, message, phone: phone.e164() }))
}
