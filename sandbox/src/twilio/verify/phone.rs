//! The sandbox's own phones as devices: they register and answer by the protocol that a real one follows.

use actix_web::HttpRequest;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        KeyPair,
    },
};
use serde_json::{Map, Value, json};
use shared::sandbox::ACCOUNT_SID;

use super::{
    caller::Call,
    challenges::{self, signature_fields},
    device::P256_HEADER,
    events::Event,
    factors,
    state::{Entity, FactorKind, Verify},
};
use crate::{
    format,
    twilio::{error::TwilioError, params::Fields},
};

/// How long a device's own token is valid, in seconds.
const TOKEN_LIFETIME: i64 = 600;

/// A phone's place as a device.
#[derive(Debug, Clone)]
pub(crate) struct OwnDevice {
    service: String,
    identity: String,
    factor: String,
    credential: String,
    /// PKCS #8.
    key: Vec<u8>,
}

/// What an app hands to its device: where it may register, and the token that lets it.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) token: String,
    pub(crate) service: String,
    pub(crate) identity: String,
    pub(crate) name: String,
}

/// Something to be told to the webhooks of a service.
#[derive(Debug)]
pub(crate) struct Told {
    pub(super) service: String,
    pub(super) events: Vec<Event>,
}

fn sign(algorithm: &'static EcdsaSigningAlgorithm, key: &[u8], text: &str) -> Vec<u8> {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, key, &random).expect("the key was made here");
    pair.sign(&random, text.as_bytes()).expect("the system has random bytes").as_ref().to_vec()
}

fn token(key: &[u8], header: &Value, payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(payload));
    let signature = sign(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &signed);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

impl OwnDevice {
    fn own_token(&self, now: i64) -> String {
        let header = json!({"cty": "twilio-pba;v=1", "kid": self.credential, "typ": "JWT", "alg": "ES256"});
        let from = now / 1000;
        token(&self.key, &header, &json!({"sub": ACCOUNT_SID, "exp": from + TOKEN_LIFETIME, "nbf": from}))
    }

    /// Whether a challenge is a question to this device.
    fn is_asked(&self, verify: &Verify, challenge: &str) -> bool {
        self.entity(verify)
            .and_then(|entity| entity.challenge(challenge))
            .is_some_and(|challenge| challenge.factor == self.factor)
    }

    /// `None` also where its factor was removed: then it is asked nothing more.
    fn entity<'a>(&self, verify: &'a Verify) -> Option<&'a Entity> {
        let entity = verify.service(&self.service)?.entity(&self.identity)?;
        entity.factor(&self.factor).map(|_| entity)
    }
}

/// Registers a phone: makes a key, creates the factor with the app's token, and proves that it holds the key.
pub(crate) fn register(
    verify: &mut Verify,
    request: &HttpRequest,
    access: &Access,
    now: i64,
) -> Result<(OwnDevice, Told), TwilioError> {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
        .expect("the system has random bytes")
        .as_ref()
        .to_vec();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key, &random)
        .expect("the key was made here");
    let public_key = STANDARD.encode([&P256_HEADER, pair.public_key().as_ref()].concat());
    let fields = Fields::of(&[
        ("FriendlyName", &access.name),
        ("FactorType", "push"),
        ("Binding.PublicKey", &public_key),
        ("Binding.Alg", "ES256"),
        ("Config.SdkVersion", "1.0.0"),
        ("Config.AppId", "countersign.sandbox"),
        ("Config.NotificationPlatform", "none"),
    ]);
    let entity = (access.service.clone(), access.identity.clone());
    let call = Call { device: Some(access.token.clone()), fields };
    let (created, event) = factors::make(verify, request, &entity, &call, now)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let device = OwnDevice {
        service: access.service.clone(),
        identity: access.identity.clone(),
        factor: text(&created["sid"]),
        credential: text(&created["config"]["credential_sid"]),
        key,
    };
    let proof = STANDARD.encode(sign(&ECDSA_P256_SHA256_ASN1_SIGNING, &device.key, &device.factor));
    let fields = Fields::of(&[("AuthPayload", &proof)]);
    let call = Call { device: Some(device.own_token(now)), fields };
    let path = (entity.0, entity.1, device.factor.clone());
    let (_, verified) = factors::change(verify, request, &path, &call, now)?;
    let events = std::iter::once(event).chain(verified).collect();
    let service = device.service.clone();
    Ok((device, Told { service, events }))
}

/// The answer of the person who holds the phone; `None` where none of these devices is asked.
pub(crate) fn answer(
    verify: &mut Verify,
    request: &HttpRequest,
    devices: &[OwnDevice],
    challenge: &str,
    status: &str,
    now: i64,
) -> Option<Result<Told, TwilioError>> {
    let device = devices.iter().find(|device| device.is_asked(verify, challenge))?;
    let path = (device.service.clone(), device.identity.clone(), challenge.to_owned());
    let own = device.own_token(now);
    let settled = challenges::read(verify, request, &path, Some(&own), now).and_then(|read| {
        let mut payload: Map<String, Value> =
            signature_fields(&read).into_iter().map(|name| (name.to_owned(), read[name].clone())).collect();
        payload.insert("status".to_owned(), json!(status));
        let answer = token(&device.key, &json!({"typ": "JWT", "alg": "ES256"}), &Value::Object(payload));
        challenges::settle(verify, request, &path, Some(&own), &answer, now)
    });
    Some(settled.map(|(_, event)| Told { service: path.0, events: event.into_iter().collect() }))
}

/// What these devices are asked, newest first, as the phone page shows it.
pub(crate) fn requests(verify: &Verify, devices: &[OwnDevice], now: i64) -> Vec<(i64, Value)> {
    let mut shown = Vec::new();
    for device in devices {
        let challenges = device.entity(verify).map(|entity| entity.challenges.as_slice()).unwrap_or_default();
        let asked = challenges
            .iter()
            .filter(|challenge| challenge.kind == FactorKind::Push && challenge.factor == device.factor);
        shown.extend(asked.map(|challenge| {
            let status = challenge.status(now);
            let fields = challenge.details["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            let details: Map<String, Value> = fields
                .iter()
                .filter_map(|field| Some((field["label"].as_str()?.to_owned(), field["value"].clone())))
                .collect();
            let hidden = challenge.hidden_details.as_object().cloned().unwrap_or_default();
            let view = json!({
                "uuid": challenge.sid,
                "status": status,
                "message": challenge.details["message"],
                "details": details,
                "hiddenDetails": hidden,
                "logos": [],
                "createdAt": format::milliseconds(challenge.created_ms),
                "expiresAt": format::milliseconds(challenge.expires_ms),
                "expiresInMs": (status == "pending").then(|| challenge.expires_ms - now),
                "lifetimeMs": challenge.expires_ms - challenge.created_ms,
            });
            (challenge.created_ms, view)
        }));
    }
    shown
}
