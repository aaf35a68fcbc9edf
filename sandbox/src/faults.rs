//! What goes wrong on purpose, and the record of provider calls.

use std::{io, time::Duration};

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
    web::{Bytes, Data},
};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Emulator, answer, world::Request};

/// What happens to provider calls in place of an answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Fault {
    /// Only calls whose path begins so; empty for all.
    path: String,
    /// Answer with this status.
    status: Option<u16>,
    /// Wait so long first; alone, the call is then answered as usual.
    latency_ms: u64,
    /// Answer with this body: a text as it is, anything else as JSON.
    body: Option<Value>,
    /// Cut the connection in the middle of the answer.
    drop_connection: bool,
    /// How many calls it hits; absent for all.
    times: Option<u32>,
}

impl Fault {
    /// Says what is wrong with it.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let status = self.status.map(StatusCode::from_u16);
        status.is_some_and(|status| status.is_err()).then_some("status must be an HTTP status")
    }

    fn answer(&self) -> Option<HttpResponse> {
        if self.drop_connection {
            let cut =
                stream::once(async { Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset)) });
            return Some(HttpResponse::Ok().no_chunking(1 << 20).streaming(cut));
        }
        if self.status.is_none() && self.body.is_none() {
            return None;
        }
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.unwrap_or(StatusCode::OK);
        Some(match &self.body {
            Some(Value::String(text)) => {
                HttpResponse::build(status).content_type("text/html").body(text.clone())
            }
            Some(body) => answer::send(status, body),
            None => answer::send(status, &answer::default_error()),
        })
    }
}

/// Takes the fault that meets this call, if any.
fn take(emulator: &Emulator, path: &str) -> Option<Fault> {
    let mut world = emulator.world();
    let fault = world.fault.as_mut().filter(|fault| path.starts_with(&fault.path))?;
    let met = fault.clone();
    if let Some(times) = &mut fault.times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            world.fault = None;
        }
    }
    (met.times != Some(0)).then_some(met)
}

/// Around every provider call: records it, and plays the fault that is set.
pub(crate) async fn around(
    call: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let emulator = call.app_data::<Data<Emulator>>().expect("the app has its state").clone();
    let (method, path) = (call.method().to_string(), call.path().to_owned());
    let fault = take(&emulator, &path);
    if let Some(Fault { latency_ms: latency @ 1.., .. }) = fault {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    let answer = match fault.as_ref().and_then(Fault::answer) {
        Some(answer) => call.into_response(answer),
        None => match next.call(call).await {
            Ok(answer) => answer.map_into_boxed_body(),
            Err(problem) => return Err(problem),
        },
    };
    let (at_ms, status) = (emulator.now(), answer.status().as_u16());
    emulator.world().requests.push(Request { at_ms, method, path, status });
    Ok(answer)
}
