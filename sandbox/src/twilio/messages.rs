//! `Messages`: sending, reading, redacting, deleting and listing text messages.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use shared::{
    phone::PhoneNumber,
    sandbox::{ACCOUNT_SID, NUMBER},
};

use super::{
    delivery,
    error::{TwilioError, VERSION},
    params::Fields,
    schedule, segments,
};
use crate::{
    emulator::Emulator,
    random,
    response::{self, ok},
    state::{Message, MessageVia, TextMessage},
};

const MAX_BODY_LENGTH: usize = 1600;
const DAY_MS: i64 = 86_400_000;
/// Pictures of a message.
const MOST_MEDIA: usize = 10;

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
    emulator.update(|state| state.text_messages.push(text));
    match created.send_at_ms {
        Some(at) => drop(tokio::spawn(schedule::send_at(emulator.into_inner(), created.sid.clone(), to, at))),
        None => send(&emulator.into_inner(), &created.sid, &to),
    }
    Ok(response::json(StatusCode::CREATED, &view(&created)))
}

/// The message arrives, where the phone is on, and its delivery is reported.
pub(super) fn send(emulator: &Arc<Emulator>, sid: &str, to: &PhoneNumber) {
    let now = emulator.now();
    let is_sent = emulator.update(|state| {
        let text = state.text_messages.iter_mut().find(|text| text.sid == sid);
        // It may have been canceled or deleted meanwhile.
        let Some(text) = text.filter(|text| text.status != "canceled") else { return false };
        if text.status == "scheduled" {
            text.status = "accepted";
        }
        let parts = std::iter::once(&text.body).chain(&text.media).filter(|part| !part.is_empty());
        let body = parts.map(String::as_str).collect::<Vec<_>>().join("\n");
        if state.phones.entry(to.e164()).or_default().reachable {
            state.deliver(to, Message { via: MessageVia::Sms, body, code: None, at_ms: now });
        }
        true
    });
    if is_sent {
        tokio::spawn(delivery::deliver(Arc::clone(emulator), sid.to_owned()));
    }
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
    let media: Vec<String> =
        fields.each("MediaUrl").filter(|url| !url.is_empty()).map(str::to_owned).collect();
    let body = fields.text("Body").unwrap_or_default();
    if body.is_empty() && media.is_empty() {
        return refuse(21602, "A message body or a media address is required.".into());
    }
    if media.len() > MOST_MEDIA {
        return refuse(21623, "The message has more than 10 media addresses.".into());
    }
    let send_at_ms = schedule::read(fields, service, now)?;
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
        sid: format!("{}{}", if media.is_empty() { "SM" } else { "MM" }, hex::encode(random::bytes::<16>())),
        to: phone.e164(),
        from: from.map(str::to_owned),
        service: service.map(str::to_owned),
        body: body.to_owned(),
        media,
        send_at_ms,
        status: match (send_at_ms, service) {
            (Some(_), _) => "scheduled",
            (None, Some(_)) => "accepted",
            (None, None) => "queued",
        },
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

/// A text message as the provider shows it: counts are strings, absent values are null.
fn view(text: &TextMessage) -> Value {
    let uri = format!("/{VERSION}/Accounts/{ACCOUNT_SID}/Messages/{}", text.sid);
    // A messaging service counts them when it has chosen a sender.
    let is_counted = !["accepted", "scheduled", "canceled"].contains(&text.status);
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
        "num_segments": if is_counted { segments::count(&text.body) } else { 0 }.to_string(),
        "num_media": text.media.len().to_string(),
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

/// Redacts a message (`Body` empty), or cancels one that is scheduled.
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
        let mut status = text.status;
        match fields.text("Status") {
            None => {}
            Some("canceled") if status == "scheduled" => status = "canceled",
            Some("canceled") => {
                return Err(TwilioError::new(
                    400,
                    20001,
                    "A message that is not scheduled cannot be canceled.",
                ));
            }
            Some(_) => return Err(TwilioError::new(400, 20001, "A status can only become canceled.")),
        }
        match fields.given("Body") {
            Some("") => text.body.clear(),
            Some(_) => return Err(TwilioError::new(400, 20001, "A body can only be emptied.")),
            None => {}
        }
        (text.status, text.updated_ms) = (status, now);
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

/// When listed messages were sent.
#[derive(Debug, Default)]
struct Sent {
    day: Option<i64>,
    until_ms: Option<i64>,
    from_ms: Option<i64>,
}

impl Sent {
    /// A date counts from its midnight in UTC; without a sign, it is the whole day.
    fn read(fields: &Fields) -> Result<Self, TwilioError> {
        let ms = |name: &str| {
            let Some(text) = fields.text(name) else { return Ok(None) };
            let at = text.parse::<Timestamp>().map(Timestamp::as_millisecond).or_else(|_| {
                let date = text.parse::<Date>()?;
                Ok::<_, jiff::Error>(date.to_zoned(TimeZone::UTC)?.timestamp().as_millisecond())
            });
            at.map(Some).map_err(|_| TwilioError::new(400, 20001, format!("{name} is no date.")))
        };
        let day = ms("DateSent")?.map(|at| at.div_euclid(DAY_MS));
        Ok(Self { day, until_ms: ms("DateSent<")?, from_ms: ms("DateSent>")? })
    }

    fn contains(&self, text: &TextMessage) -> bool {
        let Some(at) = text.sent_ms else { return self.day.or(self.until_ms).or(self.from_ms).is_none() };
        self.day.is_none_or(|day| at.div_euclid(DAY_MS) == day)
            && self.until_ms.is_none_or(|until| at <= until)
            && self.from_ms.is_none_or(|from| at >= from)
    }
}

/// Lists messages, newest first, in pages. The URLs of pages are relative.
pub(super) async fn list(emulator: Data<Emulator>, fields: Fields) -> Result<HttpResponse, TwilioError> {
    let number = |name: &str| fields.text(name).map(str::parse::<usize>);
    let (Ok(page), Ok(size)) = (number("Page").unwrap_or(Ok(0)), number("PageSize").unwrap_or(Ok(50))) else {
        return Err(TwilioError::new(400, 20001, "Page and PageSize are numbers."));
    };
    let size = size.clamp(1, 1000);
    let sent = Sent::read(&fields)?;
    let state = emulator.state();
    let found: Vec<&TextMessage> = state
        .text_messages
        .iter()
        .rev()
        .filter(|text| fields.text("To").is_none_or(|to| text.to == to))
        .filter(|text| fields.text("From").is_none_or(|from| text.from.as_deref() == Some(from)))
        .filter(|text| sent.contains(text))
        .collect();
    let shown: Vec<Value> =
        found.iter().skip(page.saturating_mul(size)).take(size).map(|text| view(text)).collect();
    let uri = |page: usize| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in ["To", "From", "DateSent", "DateSent<", "DateSent>"] {
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
        "start": page.saturating_mul(size),
        "end": page.saturating_mul(size).saturating_add(shown.len()).saturating_sub(1),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "previous_page_uri": page.checked_sub(1).map(uri),
        "next_page_uri": (page.saturating_add(1).saturating_mul(size) < found.len()).then(|| uri(page + 1)),
        "messages": shown,
    })))
}
