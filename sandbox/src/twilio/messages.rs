//! `Messages`: sending a text, looking at it, taking it away.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{Via, phone::PhoneNumber};

use super::{Text, VERSION, answer::Refusal, delivery, params::Fields};
use crate::{
    ACCOUNT_SID, Emulator, NUMBER,
    answer::{ok, send},
    world::{Message, random_bytes},
};

const LONGEST_BODY: usize = 1600;
/// Characters of one segment, where all are of the GSM alphabet and where not.
const SEGMENTS: [(usize, usize); 2] = [(160, 153), (70, 67)];

/// The provider's numbers for tests, and what a text to or from them comes to.
const MAGIC: [(&str, &str, u16, u32); 8] = [
    ("To", "+15005550001", 400, 21211),
    ("To", "+15005550002", 400, 21612),
    ("To", "+15005550003", 400, 21408),
    ("To", "+15005550004", 400, 21610),
    ("To", "+15005550009", 400, 21614),
    ("From", "+15005550001", 400, 21212),
    ("From", "+15005550007", 400, 21606),
    ("From", "+15005550008", 429, 21611),
];

pub(super) async fn create(emulator: Data<Emulator>, fields: Fields) -> Result<HttpResponse, Refusal> {
    let now = emulator.now();
    let (to, text) = read(&fields, now)?;
    let made = text.clone();
    emulator.change(|world| {
        if world.phones.entry(to.e164()).or_default().reachable {
            let body = text.body.clone();
            world.deliver(&to, Message { via: Via::Sms, body, code: None, at_ms: now });
        }
        world.texts.push(text);
    });
    tokio::spawn(delivery::report(emulator.into_inner(), made.sid.clone()));
    Ok(send(StatusCode::CREATED, &view(&made)))
}

fn read(fields: &Fields, now: i64) -> Result<(PhoneNumber, Text), Refusal> {
    let refuse = |code: u32, message: String| Err(Refusal::of(400, code, message));
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
    if body.chars().count() > LONGEST_BODY {
        return refuse(21617, "The message body exceeds the limit of 1600 characters.".into());
    }
    for (field, number, status, code) in MAGIC {
        if fields.text(field) == Some(number) {
            return Err(Refusal::of(status, code, format!("The '{field}' number {number} was refused.")));
        }
    }
    let Ok(phone) = PhoneNumber::read_e164(to) else {
        return refuse(21211, format!("The 'To' number {to} is not a valid phone number."));
    };
    if from.is_some_and(|from| from != NUMBER) {
        return refuse(21606, "The 'From' phone number is not one of this account.".into());
    }
    let callback = fields.text("StatusCallback").map(str::to_owned);
    let fine = |address: &String| {
        url::Url::parse(address).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.contains('_'))
        })
    };
    if callback.as_ref().is_some_and(|address| !fine(address)) {
        return refuse(21609, "The 'StatusCallback' address is not valid.".into());
    }
    let text = Text {
        sid: format!("SM{}", hex::encode(random_bytes::<16>())),
        to: phone.e164(),
        from: from.map(str::to_owned),
        service: service.map(str::to_owned),
        body: body.to_owned(),
        status: if service.is_some() { "accepted" } else { "queued" },
        error_code: None,
        callback,
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
    let (alone, joined) = SEGMENTS[usize::from(!body.is_ascii())];
    if length <= alone { 1 } else { length.div_ceil(joined) }
}

/// A text as the provider shows it: counts are texts, absent things are there and null.
fn view(text: &Text) -> Value {
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

type Named = Path<(String, String)>;

fn unknown(sid: &str) -> Refusal {
    Refusal::not_found(&format!("/Accounts/{ACCOUNT_SID}/Messages/{sid}.json"))
}

pub(super) async fn fetch(emulator: Data<Emulator>, path: Named, _: Fields) -> Result<HttpResponse, Refusal> {
    let world = emulator.world();
    let text = world.texts.iter().find(|text| text.sid == path.1).ok_or_else(|| unknown(&path.1))?;
    Ok(ok(&view(text)))
}

/// Redacts (`Body` empty), or cancels, which comes too late for what has been sent.
pub(super) async fn update(
    emulator: Data<Emulator>,
    path: Named,
    fields: Fields,
) -> Result<HttpResponse, Refusal> {
    let now = emulator.now();
    emulator.change(|world| {
        let text = world.texts.iter_mut().find(|text| text.sid == path.1).ok_or_else(|| unknown(&path.1))?;
        if fields.text("Status") == Some("canceled") {
            return Err(Refusal::of(400, 20001, "A message that is not scheduled cannot be canceled."));
        }
        match fields.given("Body") {
            Some("") => text.body.clear(),
            Some(_) => return Err(Refusal::of(400, 20001, "A body can only be emptied.")),
            None => {}
        }
        text.updated_ms = now;
        Ok(ok(&view(text)))
    })
}

pub(super) async fn delete(
    emulator: Data<Emulator>,
    path: Named,
    _: Fields,
) -> Result<HttpResponse, Refusal> {
    emulator.change(|world| {
        let at = world.texts.iter().position(|text| text.sid == path.1).ok_or_else(|| unknown(&path.1))?;
        world.texts.remove(at);
        Ok(HttpResponse::NoContent().finish())
    })
}

/// Newest first, in pages whose addresses are relative.
pub(super) async fn list(emulator: Data<Emulator>, fields: Fields) -> Result<HttpResponse, Refusal> {
    let number = |name: &str| fields.text(name).map(str::parse::<usize>);
    let (Ok(page), Ok(size)) = (number("Page").unwrap_or(Ok(0)), number("PageSize").unwrap_or(Ok(50))) else {
        return Err(Refusal::of(400, 20001, "Page and PageSize are numbers."));
    };
    let size = size.clamp(1, 1000);
    let world = emulator.world();
    let found: Vec<&Text> = world
        .texts
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
