//! `Messages`: sending, reading, redacting, deleting and listing text messages.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    Via,
    phone::PhoneNumber,
    sandbox::{ACCOUNT_SID, NUMBER},
};

use super::{
    delivery,
    error::{TwilioError, VERSION},
    params::Fields,
};
use crate::{
    emulator::Emulator,
    random,
    response::{self, ok},
    state::{Message, TextMessage},
};

const MAX_BODY_LENGTH: usize = 1600;
/// Characters of a single segment and of each of several, for ASCII and for other texts.
const SEGMENTS: [(usize, usize); 2] = [(160, 153), (70, 67)];

/// The provider's test numbers: field, number, and the error that it causes.
const TEST_NUMBERS: [(&str, &str, u16, u32); 8] = [
    ("To", "+15005550001", 400, 21211),
    ("To", "+15005550002", 400, 21612),
    ("To", "+15005550003", 400, 21408),
    ("To", "+15005550004", 400, 21610),
    ("To", "+15005550009", 400, 21614),
    ("From", "+15005550001", 400, 21212),
    ("From", "+15005550007", 400, 21606),
    ("From", "+15005550008", 429, 21611),
];

pub(super) async fn create(emulator: Data<Emulator>, fields: Fields) -> Result<HttpResponse, TwilioError> {
    let now = emulator.now();
    let (to, text) = read(&fields, now)?;
    let created = text.clone();
    emulator.update(|state| {
        if state.phones.entry(to.e164()).or_default().reachable {
            let body = text.body.clone();
            state.deliver(&to, Message { via: Via::Sms, body, code: None, at_ms: now });
        }
        state.text_messages.push(text);
    });
    tokio::spawn(delivery::deliver(emulator.into_inner(), created.sid.clone()));
    Ok(response::json(StatusCode::CREATED, &view(&created)))
}

/// Checks the fields of a new message.
fn read(fields: &Fields, now: i64) -> Result<(PhoneNumber, TextMessage), TwilioError> {
    let refuse = |code: u32, message: String| Err(TwilioError::new(400, code, message));
    let Some(to) = fields.text("To") else {
        return refuse(21604, "A 'To' phone number is required.".into());
    };
    let (from, service) = (fields.text("From"), fields.text("MessagingServiceSid"));
    if from.is_none() && service.is_none() {
        return refuse(21603, "A 'From' phone number or a 'MessagingServiceSid' is required.".into());
    }
    let Some(body) = fields.text("Body") else {
        return refuse(21602, "A message body is required.".into());
    };
    if body.chars().count() > MAX_BODY_LENGTH {
        return refuse(21617, "The message body exceeds the limit of 1600 characters.".into());
    }
    for (field, number, status, code) in TEST_NUMBERS {
        if fields.text(field) == Some(number) {
            return Err(TwilioError::new(
                status,
                code,
                format!("The '{field}' number {number} was refused."),
            ));
        }
    }
    let Ok(phone) = PhoneNumber::read_e164(to) else {
        return refuse(21211, format!("The 'To' number {to} is not a valid phone number."));
    };
    if from.is_some_and(|from| from != NUMBER) {
        return refuse(21606, "The 'From' phone number is not one of this account.".into());
    }
    let status_callback = fields.text("StatusCallback").map(str::to_owned);
    let is_valid = |address: &String| {
        url::Url::parse(address).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.contains('_'))
        })
    };
    if status_callback.as_ref().is_some_and(|address| !is_valid(address)) {
        return refuse(21609, "The 'StatusCallback' address is not valid.".into());
    }
    let text = TextMessage {
        sid: format!("SM{}", hex::encode(random::bytes::<16>())),
        to: phone.e164(),
        from: from.map(str::to_owned),
        service: service.map(str::to_owned),
        body: body.to_owned(),
        status: if service.is_some() { "accepted" } else { "queued" },
        error_code: None,
        status_callback,
        created_ms: now,
        updated_ms: now,
        sent_ms: None,
    };
    Ok((phone, text))
}

fn date(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn segments(body: &str) -> usize {
    let length = body.chars().count();
    let (single, of_several) = SEGMENTS[usize::from(!body.is_ascii())];
    if length <= single { 1 } else { length.div_ceil(of_several) }
}

/// A text message as the provider shows it: counts are strings, absent values are null.
fn view(text: &TextMessage) -> Value {
    let uri = format!("/{VERSION}/Accounts/{ACCOUNT_SID}/Messages/{}", text.sid);
    json!({
        "sid": text.sid,
        "account_sid": ACCOUNT_SID,
        "messaging_service_sid": text.service,
        "api_version": VERSION,
        "to": text.to,
        "from": text.from,
        "body": text.body,
        "status": text.status,
        "direction": "outbound-api",
        "num_segments": segments(&text.body).to_string(),
        "num_media": "0",
        "price": null,
        "price_unit": "USD",
        "error_code": text.error_code,
        "error_message": text.error_code.map(|_| "Unreachable destination handset"),
        "date_created": date(text.created_ms),
        "date_updated": date(text.updated_ms),
        "date_sent": text.sent_ms.map(date),
        "uri": format!("{uri}.json"),
        "subresource_uris": {"media": format!("{uri}/Media.json")},
    })
}

/// Account and message of a path.
type MessagePath = Path<(String, String)>;

fn not_found(sid: &str) -> TwilioError {
    TwilioError::not_found(&format!("/Accounts/{ACCOUNT_SID}/Messages/{sid}.json"))
}

pub(super) async fn fetch(
    emulator: Data<Emulator>,
    path: MessagePath,
    _: Fields,
) -> Result<HttpResponse, TwilioError> {
    let state = emulator.state();
    let text =
        state.text_messages.iter().find(|text| text.sid == path.1).ok_or_else(|| not_found(&path.1))?;
    Ok(ok(&view(text)))
}

/// Redacts a message (`Body` empty). Canceling is refused, since no message is scheduled.
pub(super) async fn update(
    emulator: Data<Emulator>,
    path: MessagePath,
    fields: Fields,
) -> Result<HttpResponse, TwilioError> {
    let now = emulator.now();
    emulator.update(|state| {
        let text = state
            .text_messages
            .iter_mut()
            .find(|text| text.sid == path.1)
            .ok_or_else(|| not_found(&path.1))?;
        if fields.text("Status") == Some("canceled") {
            return Err(TwilioError::new(400, 20001, "A message that is not scheduled cannot be canceled."));
        }
        match fields.given("Body") {
            Some("") => text.body.clear(),
            Some(_) => return Err(TwilioError::new(400, 20001, "A body can only be emptied.")),
            None => {}
        }
        text.updated_ms = now;
        Ok(ok(&view(text)))
    })
}

pub(super) async fn delete(
    emulator: Data<Emulator>,
    path: MessagePath,
    _: Fields,
) -> Result<HttpResponse, TwilioError> {
    emulator.update(|state| {
        let at = state
            .text_messages
            .iter()
            .position(|text| text.sid == path.1)
            .ok_or_else(|| not_found(&path.1))?;
        state.text_messages.remove(at);
        Ok(HttpResponse::NoContent().finish())
    })
}

/// Lists messages, newest first, in pages. The URLs of pages are relative.
pub(super) async fn list(emulator: Data<Emulator>, fields: Fields) -> Result<HttpResponse, TwilioError> {
    let number = |name: &str| fields.text(name).map(str::parse::<usize>);
    let (Ok(page), Ok(size)) = (number("Page").unwrap_or(Ok(0)), number("PageSize").unwrap_or(Ok(50))) else {
        return Err(TwilioError::new(400, 20001, "Page and PageSize are numbers."));
    };
    let size = size.clamp(1, 1000);
    let state = emulator.state();
    let found: Vec<&TextMessage> = state
        .text_messages
        .iter()
        .rev()
        .filter(|text| fields.text("To").is_none_or(|to| text.to == to))
        .filter(|text| fields.text("From").is_none_or(|from| text.from.as_deref() == Some(from)))
        .collect();
    let shown: Vec<Value> = found.iter().skip(page * size).take(size).map(|text| view(text)).collect();
    let uri = |page: usize| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in ["To", "From"] {
            if let Some(value) = fields.text(name) {
                query.append_pair(name, value);
            }
        }
        query.append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        format!("/{VERSION}/Accounts/{ACCOUNT_SID}/Messages.json?{}", query.finish())
    };
    Ok(ok(&json!({
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": (page * size + shown.len()).saturating_sub(1),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "previous_page_uri": page.checked_sub(1).map(uri),
        "next_page_uri": ((page + 1) * size < found.len()).then(|| uri(page + 1)),
        "messages": shown,
    })))
}
