//! `Verifications`: sending codes, reading and ending what was begun.

use actix_web::{
    HttpRequest,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::{Value, json};
use shared::{phone::PhoneNumber, sandbox::ACCOUNT_SID};

use super::{
    Outcome,
    links::of_service,
    rate_limits,
    state::{Attempt, Channel, MOST_SENDS, Send, Service, Verification, VerificationStatus, Verify, sid},
};
use crate::{
    emulator::Emulator,
    format,
    mail::Mail,
    random,
    response::{self, ok},
    state::{Message, MessageVia, State},
    twilio::{error::TwilioError, params::Fields},
};

/// Where a code goes.
enum To {
    Phone(PhoneNumber),
    Mailbox(String),
}

impl To {
    fn read(text: &str, channel: Channel) -> Result<Self, TwilioError> {
        if channel == Channel::Email {
            let looks_right = text.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
            });
            return if looks_right { Ok(Self::Mailbox(text.to_owned())) } else { Err(invalid_to()) };
        }
        PhoneNumber::read_e164(text).map(Self::Phone).map_err(|_| invalid_to())
    }

    fn name(&self) -> String {
        match self {
            Self::Phone(phone) => phone.e164(),
            Self::Mailbox(address) => address.clone(),
        }
    }
}

fn invalid_to() -> TwilioError {
    TwilioError::invalid("To")
}

pub(super) async fn create(
    emulator: Data<Emulator>,
    request: HttpRequest,
    service: Path<String>,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        state.verify.find(&request, &service)?;
        let channel = fields.required("Channel")?;
        let channel = Channel::parse(channel)
            .ok_or_else(|| TwilioError::new(400, 60200, format!("Invalid parameter: Channel {channel}")))?;
        let to = To::read(fields.required("To")?, channel)?;
        start(state, &request, &service, &to, channel, &fields, now)?;
        let service = state.verify.find_mut(&request, &service)?;
        let lookup = service.flag("LookupEnabled");
        let sid = service.sid.clone();
        let verification = service
            .verification_mut(&to.name(), now)
            .ok_or_else(|| TwilioError::not_found(request.path()))?;
        Ok(response::json(StatusCode::CREATED, &view(&request, &sid, verification, lookup)))
    })
}

/// Begins a verification, or sends the code of the one that lives once more.
fn start(
    state: &mut State,
    request: &HttpRequest,
    service: &str,
    to: &To,
    channel: Channel,
    fields: &Fields,
    now: i64,
) -> Result<(), TwilioError> {
    let verify = &mut state.verify;
    let service = verify.find_mut(request, service)?;
    rate_limits::count(service, fields, now)?;
    let code = match fields.text("CustomCode") {
        Some(_) if !service.flag("CustomCodeEnabled") => {
            return Err(TwilioError::new(403, 60220, "Custom code not allowed"));
        }
        Some(code) if (4..=10).contains(&code.len()) && code.bytes().all(|c| c.is_ascii_digit()) => {
            Some(code.to_owned())
        }
        Some(_) => return Err(TwilioError::invalid("CustomCode")),
        None => None,
    };
    let text = |name: &str| fields.text(name).map(str::to_owned);
    let (amount, payee) = (text("Amount"), text("Payee"));
    if service.flag("Psd2Enabled") && (amount.is_none() || payee.is_none()) {
        return Err(TwilioError::new(400, 60206, "Amount and Payee are required"));
    }
    let (length, name) = (service.code_length, service.friendly_name.clone());
    if service.verification_mut(&to.name(), now).is_none() {
        service.verifications.retain(|known| known.is_live(now));
        service.verifications.push(Verification {
            sid: sid("VE"),
            to: to.name(),
            channel,
            code: code.unwrap_or_else(|| random::digits(length)),
            status: VerificationStatus::Pending,
            amount,
            payee,
            sends: Vec::new(),
            checks: 0,
            created_ms: now,
            updated_ms: now,
        });
    }
    let service_sid = service.sid.clone();
    let verification = service.verification_mut(&to.name(), now).ok_or_else(invalid_to)?;
    if verification.sends.len() >= MOST_SENDS {
        return Err(TwilioError::new(429, 60203, "Max send attempts reached"));
    }
    let attempt = sid("VL");
    verification.sends.push(Send { attempt: attempt.clone(), channel, at_ms: now });
    (verification.channel, verification.updated_ms) = (channel, now);
    let (code, verification) = (verification.code.clone(), verification.sid.clone());
    verify.attempts.push(Attempt {
        sid: attempt,
        service: service_sid,
        verification,
        to: to.name(),
        channel,
        code_length: code.len(),
        converted: false,
        created_ms: now,
        updated_ms: now,
    });
    let name = fields.text("CustomFriendlyName").map_or(name, str::to_owned);
    deliver(state, to, channel, &name, code, now);
    Ok(())
}

/// The code arrives where the person expects it.
fn deliver(state: &mut State, to: &To, channel: Channel, name: &str, code: String, now: i64) {
    match to {
        To::Mailbox(address) => state.mailbox.deliver(Mail {
            id: random::uuid(),
            to: address.clone(),
            from: format!("{name} <verify@sandbox.example>"),
            subject: format!("{code} is your {name} code"),
            text: format!("Your {name} verification code is: {code}"),
            html: None,
            code: Some(code),
            at_ms: now,
        }),
        To::Phone(phone) => {
            let spoken = || code.chars().map(String::from).collect::<Vec<_>>().join(", ");
            let (via, body) = match channel {
                Channel::Call => {
                    (MessageVia::Call, format!("Your {name} verification code is: {}.", spoken()))
                }
                Channel::Whatsapp => {
                    (MessageVia::Whatsapp, format!("{code} is your {name} verification code."))
                }
                _ => (MessageVia::Sms, format!("Your {name} verification code is: {code}")),
            };
            state.deliver(phone, Message { via, body, code: Some(code), at_ms: now });
        }
    }
}

fn view(request: &HttpRequest, service: &str, verification: &Verification, lookup: bool) -> Value {
    let sends: Vec<Value> = verification
        .sends
        .iter()
        .map(|send| {
            let channel = match send.channel {
                Channel::Whatsapp => "whatsapp".to_owned(),
                other => other.name().to_uppercase(),
            };
            json!({
                "time": format::milliseconds(send.at_ms),
                "channel": channel,
                "attempt_sid": send.attempt,
            })
        })
        .collect();
    let carrier = json!({"carrier": {
        "mobile_country_code": null, "type": "mobile", "error_code": null, "mobile_network_code": null,
        "name": "Sandbox",
    }});
    json!({
        "sid": verification.sid,
        "service_sid": service,
        "account_sid": ACCOUNT_SID,
        "to": verification.to,
        "channel": verification.channel.name(),
        "status": verification.status.name(),
        "valid": verification.status == VerificationStatus::Approved,
        "lookup": if lookup { carrier } else { json!({}) },
        "amount": verification.amount,
        "payee": verification.payee,
        "send_code_attempts": sends,
        "date_created": format::seconds(verification.created_ms),
        "date_updated": format::seconds(verification.updated_ms),
        "sna": null,
        "url": format!("{}/Verifications/{}", of_service(request, service), verification.sid),
    })
}

/// Service, and the id of a verification or its number.
type VerificationPath = Path<(String, String)>;

/// Runs on a verification that lives.
fn with_verification<T>(
    verify: &mut Verify,
    request: &HttpRequest,
    path: &VerificationPath,
    now: i64,
    run: impl FnOnce(&mut Verification, &str, bool) -> T,
) -> Result<T, TwilioError> {
    let (service, name) = &**path;
    let not_found = || TwilioError::not_found(request.path());
    let service: &mut Service = verify.find_mut(request, service)?;
    let (sid, lookup) = (service.sid.clone(), service.flag("LookupEnabled"));
    let verification = service.verification_mut(name, now).ok_or_else(not_found)?;
    Ok(run(verification, &sid, lookup))
}

pub(super) async fn fetch(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: VerificationPath,
    _: Fields,
) -> Outcome {
    let now = emulator.now();
    let mut state = emulator.state();
    with_verification(&mut state.verify, &request, &path, now, |verification, service, lookup| {
        ok(&view(&request, service, verification, lookup))
    })
}

/// Cancels, or approves.
pub(super) async fn update(
    emulator: Data<Emulator>,
    request: HttpRequest,
    path: VerificationPath,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    let status = match fields.required("Status")? {
        "canceled" => VerificationStatus::Canceled,
        "approved" => VerificationStatus::Approved,
        _ => return Err(TwilioError::invalid("Status")),
    };
    emulator.update(|state| {
        let has_custom_codes =
            state.verify.service(&path.0).is_some_and(|service| service.flag("CustomCodeEnabled"));
        let is_refused = state.verify.switches.approval_needs_custom_codes && !has_custom_codes;
        if status == VerificationStatus::Approved && is_refused {
            return Err(TwilioError::new(403, 60220, "Custom code not allowed"));
        }
        with_verification(&mut state.verify, &request, &path, now, |verification, service, lookup| {
            (verification.status, verification.updated_ms) = (status, now);
            ok(&view(&request, service, verification, lookup))
        })
    })
}
