//! The mailbox's part of the control API.

use actix_web::{
    HttpResponse, Responder,
    web::{self, Bytes, Data, Path, Query, ServiceConfig},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Mail, Mode};
use crate::{
    control::{ControlError, no_content, read},
    emulator::Emulator,
    format,
    response::ok,
};

pub(crate) fn routes(scope: &mut ServiceConfig) {
    scope
        .route("/mail", web::get().to(mails))
        .route("/mail", web::put().to(put_settings))
        .route("/mail", web::delete().to(clear))
        .route("/mailboxes", web::get().to(mailboxes))
        .route("/mailboxes/{address}", web::get().to(mailbox));
}

#[derive(Deserialize)]
struct Filter {
    to: Option<String>,
}

/// The e-mails that arrived, newest first.
async fn mails(emulator: Data<Emulator>, filter: Query<Filter>) -> impl Responder {
    let state = emulator.state();
    let mails: Vec<Value> = state.mailbox.newest_first(filter.to.as_deref()).map(view).collect();
    ok(&json!({"mails": mails}))
}

fn view(mail: &Mail) -> Value {
    let mut view = json!({
        "id": mail.id,
        "to": mail.to,
        "from": mail.from,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "at": format::milliseconds(mail.at_ms),
    });
    if let Some(code) = &mail.code {
        view["code"] = json!(code);
    }
    view
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MailSettings {
    mode: Mode,
}

async fn put_settings(emulator: Data<Emulator>, body: Bytes) -> Result<HttpResponse, ControlError> {
    let settings: MailSettings = read(&body)?;
    emulator.state().mailbox.mode = settings.mode;
    Ok(ok(&json!(settings)))
}

async fn clear(emulator: Data<Emulator>) -> impl Responder {
    emulator.update(|state| state.mailbox.clear());
    no_content()
}

/// The same e-mails in an earlier form.
async fn mailboxes(emulator: Data<Emulator>) -> impl Responder {
    ok(&json!({"messages": messages(&emulator, None)}))
}

/// Those of one address.
async fn mailbox(emulator: Data<Emulator>, address: Path<String>) -> impl Responder {
    ok(&json!({"address": *address, "messages": messages(&emulator, Some(&address))}))
}

fn messages(emulator: &Emulator, to: Option<&str>) -> Vec<Value> {
    let view = |mail: &Mail| {
        json!({
            "address": mail.to,
            "subject": mail.subject,
            "body": mail.text,
            "code": mail.code,
            "at": format::milliseconds(mail.at_ms),
        })
    };
    emulator.state().mailbox.newest_first(to).map(view).collect()
}
