//! `Services`.

use std::collections::BTreeMap;

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::{Map, Value, json};
use shared::sandbox::{ACCOUNT_SID, SERVICE_SIDS};

use super::{
    Outcome,
    links::of_service,
    paging::page,
    state::{Service, TotpDefaults, Verify, sid},
    switches::Switches,
};
use crate::{
    emulator::Emulator,
    format,
    response::{self, ok},
    twilio::{error::TwilioError, params::Fields},
};

const DEFAULT_CODE_LENGTH: usize = 6;
/// Characters of a service's name.
const LONGEST_NAME: usize = 32;

/// Parameters that are true or false, and their names in answers.
const FLAGS: [(&str, &str); 7] = [
    ("LookupEnabled", "lookup_enabled"),
    ("Psd2Enabled", "psd2_enabled"),
    ("SkipSmsToLandlines", "skip_sms_to_landlines"),
    ("DtmfInputRequired", "dtmf_input_required"),
    ("DoNotShareWarningEnabled", "do_not_share_warning_enabled"),
    ("CustomCodeEnabled", "custom_code_enabled"),
    ("VerifyEventSubscriptionEnabled", "verify_event_subscription_enabled"),
];

/// Parameters that are kept and shown: their names in answers, within an object where there is a dot.
const TEXTS: [(&str, &str); 8] = [
    ("TtsName", "tts_name"),
    ("DefaultTemplateSid", "default_template_sid"),
    ("Push.ApnCredentialSid", "push.apn_credential_sid"),
    ("Push.FcmCredentialSid", "push.fcm_credential_sid"),
    ("Push.IncludeDate", "push.include_date"),
    ("Totp.Issuer", "totp.issuer"),
    ("Whatsapp.MsgServiceSid", "whatsapp.msg_service_sid"),
    ("Whatsapp.From", "whatsapp.from"),
];

/// The services that are there from the start, for a server beside the sandbox.
impl Default for Verify {
    fn default() -> Self {
        let preset = |(sid, code_length): (&str, usize)| Service {
            sid: sid.to_owned(),
            friendly_name: "Countersign".to_owned(),
            code_length,
            ..Service::new(0)
        };
        Self {
            services: SERVICE_SIDS.into_iter().zip([7, 7, 6]).map(preset).collect(),
            attempts: Vec::new(),
            safe_numbers: BTreeMap::new(),
            switches: Switches::default(),
        }
    }
}

impl Service {
    fn new(now: i64) -> Self {
        Self {
            sid: sid("VA"),
            friendly_name: String::new(),
            code_length: DEFAULT_CODE_LENGTH,
            flags: FLAGS.iter().map(|(name, _)| (*name, false)).collect(),
            texts: BTreeMap::new(),
            totp: TotpDefaults::default(),
            created_ms: now,
            updated_ms: now,
            verifications: Vec::new(),
            entities: Vec::new(),
            access_tokens: Vec::new(),
            webhooks: Vec::new(),
            rate_limits: Vec::new(),
            messaging: Vec::new(),
        }
    }

    /// Takes over the parameters that are given; nothing where one of them is wrong.
    fn change(&mut self, fields: &Fields, now: i64) -> Result<(), TwilioError> {
        let name = fields.text("FriendlyName").unwrap_or(&self.friendly_name).to_owned();
        if name.chars().count() > LONGEST_NAME {
            return Err(TwilioError::invalid("FriendlyName"));
        }
        let code_length = fields.number("CodeLength", 4..=10)?;
        let totp = TotpDefaults {
            time_step: fields.number("Totp.TimeStep", 20..=60)?.or(self.totp.time_step),
            code_length: fields.number("Totp.CodeLength", 3..=8)?.or(self.totp.code_length),
            skew: fields.number("Totp.Skew", 0..=2)?.or(self.totp.skew),
        };
        let mut flags = self.flags.clone();
        for (name, _) in FLAGS {
            if let Some(value) = fields.flag(name)? {
                flags.insert(name, value);
            }
        }
        for (name, _) in TEXTS {
            if let Some(text) = fields.text(name) {
                self.texts.insert(name, text.to_owned());
            }
        }
        self.friendly_name = name;
        self.code_length = code_length.map_or(self.code_length, |length| length as usize);
        (self.totp, self.flags, self.updated_ms) = (totp, flags, now);
        Ok(())
    }

    /// Who a TOTP factor says it is of.
    pub(super) fn issuer(&self) -> &str {
        self.texts.get("Totp.Issuer").unwrap_or(&self.friendly_name)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.flags.get(name).copied().unwrap_or_default()
    }

    fn view(&self, request: &HttpRequest) -> Value {
        let url = of_service(request, &self.sid);
        let links: Map<String, Value> = [
            ("verification_checks", "VerificationCheck"),
            ("verifications", "Verifications"),
            ("rate_limits", "RateLimits"),
            ("messaging_configurations", "MessagingConfigurations"),
            ("entities", "Entities"),
            ("webhooks", "Webhooks"),
            ("access_tokens", "AccessTokens"),
        ]
        .map(|(name, path)| (name.to_owned(), json!(format!("{url}/{path}"))))
        .into_iter()
        .collect();
        let mut view = json!({
            "sid": self.sid,
            "account_sid": ACCOUNT_SID,
            "friendly_name": self.friendly_name,
            "code_length": self.code_length,
            "push": {"include_date": false},
            "totp": {
                "issuer": null,
                "time_step": self.totp.time_step,
                "code_length": self.totp.code_length,
                "skew": self.totp.skew,
            },
            "whatsapp": {},
            "passkeys": {
                "relying_party": {"id": null, "name": null, "origins": null},
                "authenticator_attachment": null,
                "discoverable_credentials": null,
                "user_verification": null,
            },
            "date_created": format::seconds(self.created_ms),
            "date_updated": format::seconds(self.updated_ms),
            "url": url,
            "links": links,
        });
        for (parameter, name) in FLAGS {
            view[name] = json!(self.flag(parameter));
        }
        for (parameter, name) in TEXTS {
            let value = match (self.texts.get(parameter), parameter) {
                (text, "Push.IncludeDate") => json!(text.is_some_and(|text| text == "true")),
                (text, _) => json!(text),
            };
            match name.split_once('.') {
                Some((object, member)) => view[object][member] = value,
                None => view[name] = value,
            }
        }
        view
    }
}

pub(super) async fn create(emulator: Data<Emulator>, request: HttpRequest, fields: Fields) -> Outcome {
    fields.required("FriendlyName")?;
    let now = emulator.now();
    let mut service = Service::new(now);
    service.change(&fields, now)?;
    let view = service.view(&request);
    emulator.update(|state| state.verify.services.push(service));
    Ok(response::json(StatusCode::CREATED, &view))
}

pub(super) async fn list(emulator: Data<Emulator>, request: HttpRequest, fields: Fields) -> Outcome {
    let state = emulator.state();
    let services: Vec<Value> =
        state.verify.services.iter().rev().map(|service| service.view(&request)).collect();
    page(&request, &fields, "services", &services)
}

pub(super) async fn fetch(
    emulator: Data<Emulator>,
    request: HttpRequest,
    service: Path<String>,
    _: Fields,
) -> Outcome {
    let state = emulator.state();
    let service = state.verify.find(&request, &service)?;
    Ok(ok(&service.view(&request)))
}

pub(super) async fn update(
    emulator: Data<Emulator>,
    request: HttpRequest,
    service: Path<String>,
    fields: Fields,
) -> Outcome {
    let now = emulator.now();
    emulator.update(|state| {
        let service = state.verify.find_mut(&request, &service)?;
        service.change(&fields, now)?;
        Ok(ok(&service.view(&request)))
    })
}

pub(super) async fn delete(
    emulator: Data<Emulator>,
    request: HttpRequest,
    service: Path<String>,
    _: Fields,
) -> Outcome {
    emulator.update(|state| {
        let at = state.verify.services.iter().position(|known| known.sid == *service);
        state.verify.services.remove(at.ok_or_else(|| TwilioError::not_found(request.path()))?);
        Ok(HttpResponse::NoContent().finish())
    })
}
