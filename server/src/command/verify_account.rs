//! What the settings need at Twilio Verify: making it, and asking whether it fits.

use std::{fmt, process::ExitCode};

use super::terminal::{asks, fail, say};
use crate::{
    config::{Config, SetupConfig},
    provider::{
        CodePurpose, ProviderError,
        verify::{CODE_LENGTHS, ServiceFacts, Services, Setup, WebhookFacts},
    },
};

/// What does not fit, or could be better.
#[derive(Debug)]
pub(super) struct Finding {
    /// Whether it keeps people from signing in.
    pub(super) is_problem: bool,
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_problem { "problem" } else { "weak" };
        write!(out, "{kind}: {}", self.text)
    }
}

fn problem(text: impl Into<String>) -> Finding {
    Finding { is_problem: true, text: text.into() }
}

fn weak(text: impl Into<String>) -> Finding {
    Finding { is_problem: false, text: text.into() }
}

/// The variable that names the service of a purpose.
fn variable(purpose: CodePurpose) -> &'static str {
    match purpose {
        CodePurpose::SignIn => "VERIFY_SERVICE_SID",
        CodePurpose::Enrolment => "VERIFY_ENROLMENT_SERVICE_SID",
        CodePurpose::Number => "VERIFY_NUMBER_SERVICE_SID",
    }
}

/// Asks Verify whether credentials, services and webhook fit the settings. Nothing is asked where the sandbox plays it.
pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let Some(account) =
        config.providers.verify.as_ref().filter(|account| config.sandbox.is_none() || account.url.is_some())
    else {
        return Vec::new();
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = config.verify_url(account, None);
    let setup = Setup::new(&url, account.credentials.clone(), config.provider_timeout);
    let mut findings = match services_that_misfit(&setup, &account.services, &config.app_name).await {
        Ok(findings) => findings,
        Err(error) => return vec![problem(failure(&error))],
    };
    if account.credentials.auth_token.is_some() {
        match (config.verify_webhook_url(), setup.webhooks(&account.services.sign_in).await) {
            (None, _) => findings.push(weak(
                "PUBLIC_URL is not set: Verify's webhook cannot reach the server, answers are polled for",
            )),
            (Some(url), Ok(webhooks)) => findings.extend(webhook_misfit(&webhooks, &url)),
            (Some(_), Err(error)) => findings.push(problem(failure(&error))),
        }
    }
    findings
}

/// The same into the log, when a server has started.
pub(super) async fn warn_of_misfits(config: &Config) {
    for finding in examine(config).await {
        tracing::warn!("{finding}");
    }
}

async fn services_that_misfit(
    setup: &Setup,
    services: &Services,
    app_name: &str,
) -> Result<Vec<Finding>, ProviderError> {
    let mut findings = Vec::new();
    for (purpose, code_length) in CODE_LENGTHS {
        let (sid, name) = (services.of(purpose), variable(purpose));
        match setup.service(sid).await? {
            None => findings.push(problem(format!("{name}: the account has no service {sid}"))),
            Some(facts) => findings.extend(misfits(name, &facts, code_length, app_name)),
        }
    }
    Ok(findings)
}

fn misfits(name: &str, facts: &ServiceFacts, code_length: u64, app_name: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.code_length != code_length {
        findings.push(problem(format!(
            "{name}: codes of {} have {} digits and need {code_length}; change that at Twilio, or let `countersign setup verify` make another service",
            facts.sid, facts.code_length
        )));
    }
    if facts.name != app_name {
        findings.push(weak(format!("{name}: texts say {:?}, APP_NAME is {app_name:?}", facts.name)));
    }
    findings
}

fn webhook_misfit(webhooks: &[WebhookFacts], url: &str) -> Option<Finding> {
    let to_us: Vec<&WebhookFacts> = webhooks.iter().filter(|webhook| webhook.url == url).collect();
    if to_us.iter().any(|webhook| webhook.enabled && webhook.tells_all) {
        return None;
    }
    let what = if to_us.is_empty() {
        "there is no webhook to"
    } else {
        "a webhook is switched off or tells not all:"
    };
    Some(weak(format!("VERIFY_SERVICE_SID: {what} {url}: answers are polled for")))
}

fn failure(error: &ProviderError) -> String {
    match error {
        ProviderError::Refused { status: 401 | 403, .. } => {
            "TWILIO_ACCOUNT_SID: Verify refuses the credentials".to_owned()
        }
        other => format!("Verify could not be asked: {}", super::causes(other)),
    }
}

/// Makes what is missing at Verify and prints the settings. Changes nothing that is there.
pub(super) async fn setup(yes: bool) -> ExitCode {
    let config = match SetupConfig::load() {
        Ok(config) => config,
        Err(problem) => return fail(&format!("countersign: {problem}")),
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let setup = Setup::new(&config.url, config.credentials.clone(), config.timeout);
    match set_up(&setup, &config, yes).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&format!("countersign: {}", failure(&error))),
    }
}

async fn set_up(setup: &Setup, config: &SetupConfig, yes: bool) -> Result<bool, ProviderError> {
    let existing = setup.services().await?;
    let mut taken: Vec<String> = config.services.iter().flatten().cloned().collect();
    let (mut chosen, mut fits) = (Vec::new(), true);
    for ((purpose, code_length), given) in CODE_LENGTHS.into_iter().zip(&config.services) {
        let name = variable(purpose);
        let facts = match given {
            Some(sid) => match existing.iter().find(|facts| facts.sid == *sid) {
                Some(facts) => {
                    for finding in misfits(name, facts, code_length, &config.app_name) {
                        fits &= !finding.is_problem;
                        say(&finding.to_string());
                    }
                    facts.clone()
                }
                None => {
                    say(&problem(format!("{name}: the account has no service {sid}")).to_string());
                    return Ok(false);
                }
            },
            None => {
                let candidate = existing.iter().find(|facts| {
                    facts.name == config.app_name
                        && facts.code_length == code_length
                        && !taken.contains(&facts.sid)
                });
                match choose(setup, config, (name, code_length), candidate, yes).await? {
                    Some(facts) => facts,
                    None => {
                        say("nothing more was made");
                        return Ok(false);
                    }
                }
            }
        };
        taken.push(facts.sid.clone());
        chosen.push((purpose, facts.sid));
    }
    // Devices are registered at the service of sign-ins.
    let sign_in = chosen.iter().find(|(purpose, _)| *purpose == CodePurpose::SignIn);
    let sign_in = sign_in.map(|(_, sid)| sid.clone()).unwrap_or_default();
    if let Some(url) = &config.webhook_url {
        let webhooks = setup.webhooks(&sign_in).await?;
        if webhooks.iter().any(|webhook| webhook.url == *url) {
            if let Some(finding) = webhook_misfit(&webhooks, url) {
                say(&finding.to_string());
            }
        } else if yes || asks(&format!("Make a webhook to {url}?")) {
            setup.make_webhook(&sign_in, &config.app_name, url).await?;
            say(&format!("made a webhook to {url}"));
        }
    } else {
        say(&weak("PUBLIC_URL is not set: no webhook was made, answers are polled for").to_string());
    }
    say("\nPROVIDER=verify");
    for (purpose, sid) in chosen {
        say(&format!("{}={sid}", variable(purpose)));
    }
    Ok(fits)
}

/// A service that was made before, where the operator says so, or a new one; `None` where neither is wanted.
async fn choose(
    setup: &Setup,
    config: &SetupConfig,
    (name, code_length): (&str, u64),
    candidate: Option<&ServiceFacts>,
    yes: bool,
) -> Result<Option<ServiceFacts>, ProviderError> {
    if let Some(facts) = candidate {
        let sid = &facts.sid;
        if yes {
            say(&format!("{sid} has the same name and is left alone; set {name}={sid} if it is yours"));
        } else if asks(&format!("Use {sid}, which has the same name and {code_length} digits, as {name}?")) {
            return Ok(Some(facts.clone()));
        }
    }
    let question = format!("Make a service {:?} with {code_length} digits as {name}?", config.app_name);
    if !yes && !asks(&question) {
        return Ok(None);
    }
    let made = setup.make_service(&config.app_name, code_length).await?;
    // At once: if the next call fails, this one is not lost.
    say(&format!("made {name}={}", made.sid));
    Ok(Some(made))
}
