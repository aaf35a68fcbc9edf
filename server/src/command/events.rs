//! `events`: what has happened to an account.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{
    arguments::Events,
    operator::{Operator, failed},
    terminal::{plain, say},
};
use crate::{
    domain::factor::Method,
    services::operations::{EventRow, Place},
};

/// Events that are read at once.
const AT_ONCE: i64 = 500;

/// Prints the events of an account, the newest first.
pub(super) async fn run(wish: Events) -> ExitCode {
    match print(&wish).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

async fn print(wish: &Events) -> Result<(), ExitCode> {
    let operator = Operator::open().await?;
    let user = operator.user(&wish.user).await?;
    let mut before: Option<Place> = None;
    loop {
        let page = operator.operations.events(&user.id, before.take(), AT_ONCE).await;
        let page = page.map_err(|error| failed(&error))?;
        let wanted = page.iter().take_while(|event| wish.since.is_none_or(|since| event.at >= since));
        for event in wanted {
            say(&if wish.json { as_json(event).to_string() } else { written(event) });
        }
        match page.last() {
            Some(last) if wish.since.is_none_or(|since| last.at >= since) => {
                before = Some((last.at, last.id.clone()));
            }
            _ => return Ok(()),
        }
    }
}

fn written(event: &EventRow) -> String {
    let factor = event.factor.map_or("-", Method::as_str);
    let (act, outcome) = (event.act.as_str(), event.outcome.as_str());
    let line = format!(
        "{}  {act:<20}  {outcome:<7}  {factor:<13}  {}  {}",
        event.at.to_rfc3339(),
        plain(&event.browser),
        plain(&event.address)
    );
    line.trim_end().to_owned()
}

fn as_json(event: &EventRow) -> Value {
    json!({
        "at": event.at.to_rfc3339(), "kind": event.act.as_str(), "outcome": event.outcome.as_str(),
        "factor": event.factor.map(Method::as_str), "browser": event.browser, "address": event.address,
    })
}
