//! Proving any phone, with or without an account.

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
    flow::{Failure, second_factor::SecondFactor, verification::CODE_LIFE},
    http::{
        body::Body,
        caller::Visitor,
        client, cookie,
        error::{Result, invalid},
        sessions::via,
    },
    provider::{Code, ProviderError},
};

/// A number in either form; what is missing is named.
fn read(country_code: &str, phone_number: &str, e164: &str) -> Result<PhoneNumber> {
    if !e164.trim().is_empty() {
        return PhoneNumber::read_e164(e164).map_err(|problem| invalid("phoneNumber", &problem.to_string()));
    }
    if phone_number.trim().is_empty() {
        return Err(invalid("phone_number", "Enter the number of your phone."));
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

/// Send a code to a phone
///
/// Six digits. The code is bound to this session; where there is none, one is made.
#[utoipa::path(
    post, path = paths::VERIFICATION_START, tag = "Cookie API", request_body = StartVerification, security(()),
    responses(
        (status = 200, description = "It is on its way", body = VerificationStarted),
        (status = 422, description = "A field is missing or cannot be; also in `error`", body = ApiError),
        (status = 429, description = "Too soon or too often", body = ApiError),
        (status = 502, description = "The provider could not", body = ApiError),
    )
)]
pub(in crate::http) async fn start(
    parts: Data<SecondFactor>,
    session: Session,
    client: client::From,
    Visitor(visitor): Visitor,
    Body(wish): Body<StartVerification>,
) -> Result<Json<VerificationStarted>> {
    let phone = read(&wish.country_code, &wish.phone_number, &wish.e164)?;
    let asked = via(&wish.via)?;
    let visit = visitor.map(|(visit, _)| visit);
    let started = parts.start_verification(visit, &phone, asked, &client.0).await;
    let started = started.map_err(|failure| match failure {
        Failure::Provider(ProviderError::BadPhone) => {
            let field = if wish.e164.trim().is_empty() { "phone_number" } else { "phoneNumber" };
            invalid(field, "This number cannot receive codes.")
        }
        other => other.into(),
    })?;
    if let Some(token) = &started.token {
        cookie::hand_out(&session, token)?;
    }
    let number = shared::phone::written(phone.calling_code(), phone.national());
    let message = match started.via {
        shared::Via::Sms => format!("Text message sent to {number}."),
        shared::Via::Call => format!("Call to {number} initiated."),
    };
    Ok(Json(VerificationStarted {
        success: true,
        message,
        via: started.via,
        carrier: started.facts.carrier,
        is_cellphone: started.facts.is_cellphone,
        seconds_to_expire: u32::try_from(CODE_LIFE.as_secs()).unwrap_or(u32::MAX),
        resend_after_seconds: u32::try_from(parts.limits.resend_after.as_secs()).unwrap_or(u32::MAX),
        token: started.token.map(|token| token.reveal().to_owned()),
    }))
}

/// Check it
///
/// Then this session has proven that phone.
#[utoipa::path(
    post, path = paths::VERIFICATION_VERIFY, tag = "Cookie API", request_body = CheckVerification,
    responses(
        (status = 200, description = "Proven", body = VerificationPassed),
        (status = 401, description = "Not the code, or none was sent in this session", body = ApiError),
        (status = 422, description = "A field is missing or cannot be; also in `error`", body = ApiError),
        (status = 429, description = "Too many wrong codes", body = ApiError),
    )
)]
pub(in crate::http) async fn verify(
    parts: Data<SecondFactor>,
    session: Session,
    Visitor(visitor): Visitor,
    Body(typed): Body<CheckVerification>,
) -> Result<Json<VerificationPassed>> {
    let phone = read(&typed.country_code, &typed.phone_number, &typed.e164)?;
    let code = Code::read(&typed.token).ok_or_else(|| invalid("token", "A code has 4 to 10 digits."))?;
    let (visit, presented) = visitor.ok_or(Refusal::WrongCode { left: u32::MAX })?;
    let how = (&presented.token, presented.carrier);
    if let Some(token) = parts.check_verification(&visit, &phone, &code, how).await? {
        cookie::hand_out(&session, &token)?;
    }
    let message = "Verification code is correct.".to_owned();
    Ok(Json(VerificationPassed { success: true, message, phone: phone.e164() }))
}
