//! `migrate`: moves users to the provider that the settings name, and reports what became of each.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, IsTerminal},
    process::ExitCode,
    sync::Arc,
};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    arguments::Migrate,
    causes, open, start_logging,
    terminal::{fail, say},
};
use crate::{
    config::Config,
    domain::{
        factor::LossReason,
        ids::{Random, UserId},
    },
    provider::ProviderKind,
    services::{
        ServiceError,
        moving::{AuthenticatorMove, MoveRules, Moved, Moving, StayReason},
    },
    startup,
    store::moves::Counts,
};

/// Users that are moved at the same time.
const AT_ONCE: usize = 4;

pub(super) async fn run(wish: Migrate) -> ExitCode {
    let config = match Config::load() {
        Ok(config) => config,
        Err(problem) => return fail(&format!("countersign: {problem}")),
    };
    if let Err(problem) = fits(&config, &wish) {
        return fail(&format!("countersign: {problem}"));
    }
    // Events go to the log; what the operator reads to the output.
    start_logging(&config, io::stderr, io::stderr().is_terminal());
    let store = match open(&config).await {
        Ok(Ok((store, _))) => store,
        Ok(Err(unmigrated)) => return fail(&format!("countersign: {unmigrated}")),
        Err(error) => {
            return fail(&format!(
                "countersign: DATABASE_URL: the database cannot be used: {}",
                causes(&error)
            ));
        }
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let random = Random::system();
    let providers = startup::providers(&config, None, random);
    let context = startup::for_command(&config, store, providers, random);
    let mut report = Report::new(&wish);
    let ended = move_all(&Moving::new(Arc::clone(&context)), &wish, &mut report).await;
    crate::services::background::finish(&context).await;
    say(&report.to_string());
    if let Some(file) = &wish.report
        && let Err(error) = fs::write(file, format!("{:#}\n", report.to_json()))
    {
        return fail(&format!("countersign: {}: {error}", file.display()));
    }
    match ended {
        Ok(()) if report.stays.values().all(|reason| *reason == StayReason::UsesPush) => ExitCode::SUCCESS,
        Ok(()) => fail("countersign: some users could not be moved; run the command again"),
        Err(error) => fail(&format!("countersign: stopped: {}; run the command again", causes(&error))),
    }
}

/// Whether the settings know both providers, and servers with the same settings move users the same way.
fn fits(config: &Config, wish: &Migrate) -> Result<(), String> {
    if config.providers.current != wish.to {
        return Err(format!(
            "PROVIDER: set it to {to} here and at all servers first; otherwise they move users back to {from}",
            to = wish.to,
            from = wish.from
        ));
    }
    let is_known = match wish.from {
        ProviderKind::Authy => config.providers.authy.is_some(),
        ProviderKind::Verify => config.providers.verify.is_some(),
    };
    let name = match wish.from {
        ProviderKind::Authy => "AUTHY_API_KEY",
        ProviderKind::Verify => "VERIFY_SERVICE_SID",
    };
    if config.sandbox.is_some() {
        return Err(
            "SANDBOX: it runs inside the server, where no command reaches it; set the providers' addresses"
                .to_owned(),
        );
    }
    if is_known { Ok(()) } else { Err(format!("{name}: is needed as long as users are there")) }
}

async fn move_all(moving: &Moving, wish: &Migrate, report: &mut Report) -> Result<(), ServiceError> {
    let rules = MoveRules { with_push: wish.with_push, with_loss: true, dry_run: wish.dry_run };
    let counts = moving.counts().await?;
    (report.users, report.there_before) = (counts.all, counts.there);
    let mut after: Option<UserId> = None;
    loop {
        let users = moving.next(after.clone(), wish.batch).await?;
        let Some(last) = users.last().cloned() else { break };
        let mut moves = stream::iter(users)
            .map(|user| async move { (user.clone(), moving.move_user(user, rules).await) })
            .buffer_unordered(AT_ONCE);
        while let Some((user, moved)) = moves.next().await {
            report.note(user, moved?);
        }
        say(&report.progress());
        after = Some(last);
    }
    report.end(moving.counts().await?);
    Ok(())
}

/// What became of an authenticator, as in the report.
fn word(outcome: AuthenticatorMove) -> &'static str {
    match outcome {
        AuthenticatorMove::None => "none",
        AuthenticatorMove::Moved => "moved",
        AuthenticatorMove::Lost(why) => why.as_str(),
    }
}

/// What became of everybody.
struct Report {
    from: ProviderKind,
    to: ProviderKind,
    dry_run: bool,
    /// Enrolled users, and how many were there at the beginning.
    users: i64,
    there_before: i64,
    /// Who was moved by this run, with their authenticator.
    moved: BTreeMap<UserId, AuthenticatorMove>,
    /// Who came there otherwise while it ran: by signing in, or by signing up.
    meanwhile: i64,
    stays: BTreeMap<UserId, StayReason>,
}

impl Report {
    fn new(wish: &Migrate) -> Self {
        Self {
            from: wish.from,
            to: wish.to,
            dry_run: wish.dry_run,
            users: 0,
            there_before: 0,
            moved: BTreeMap::new(),
            meanwhile: 0,
            stays: BTreeMap::new(),
        }
    }

    fn note(&mut self, user: UserId, moved: Moved) {
        match moved {
            Moved::Moved(authenticator) => {
                self.moved.insert(user, authenticator);
            }
            // Counted at the end, with those whom this run has not even met.
            Moved::AlreadyThere => {}
            Moved::Stays(reason) => {
                self.stays.insert(user, reason);
            }
        }
    }

    fn end(&mut self, counts: Counts) {
        let moved = if self.dry_run { 0 } else { self.moved.len() };
        let by_this_run = i64::try_from(moved).unwrap_or(i64::MAX);
        self.meanwhile = (counts.there - self.there_before - by_this_run).max(0);
        self.users = counts.all;
    }

    fn done(&self) -> i64 {
        let seen = self.moved.len() + self.stays.len();
        self.there_before + self.meanwhile + i64::try_from(seen).unwrap_or(i64::MAX)
    }

    fn progress(&self) -> String {
        let (moved, stay) = (self.moved.len(), self.stays.len());
        format!("{} of {} users: {moved} moved, {stay} stay", self.done(), self.users)
    }

    fn reasons(&self) -> BTreeMap<StayReason, usize> {
        let mut reasons = BTreeMap::new();
        for reason in self.stays.values() {
            *reasons.entry(*reason).or_default() += 1;
        }
        reasons
    }

    fn authenticators(&self) -> BTreeMap<AuthenticatorMove, usize> {
        let mut outcomes = BTreeMap::new();
        for outcome in self.moved.values().filter(|outcome| **outcome != AuthenticatorMove::None) {
            *outcomes.entry(*outcome).or_default() += 1;
        }
        outcomes
    }

    fn to_json(&self) -> Value {
        let stays: Vec<Value> = self
            .stays
            .iter()
            .map(|(user, reason)| json!({"user": user.as_str(), "reason": reason.as_str()}))
            .collect();
        let invited: Vec<Value> = self
            .moved
            .iter()
            .filter(|(_, outcome)| matches!(outcome, AuthenticatorMove::Lost(_)))
            .map(|(user, outcome)| json!({"user": user.as_str(), "reason": word(*outcome)}))
            .collect();
        let named = |counts: BTreeMap<&'static str, usize>| json!(counts);
        json!({
            "from": self.from.to_string(),
            "to": self.to.to_string(),
            "dryRun": self.dry_run,
            "users": self.users,
            "thereBefore": self.there_before,
            "movedMeanwhile": self.meanwhile,
            "moved": self.moved.len(),
            "stay": named(self.reasons().into_iter().map(|(reason, count)| (reason.as_str(), count)).collect()),
            "authenticators":
                named(self.authenticators().into_iter().map(|(outcome, count)| (word(outcome), count)).collect()),
            "staying": stays,
            "invitedToSetUpAnAuthenticator": invited,
        })
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let moved = if self.dry_run { "would be moved" } else { "moved" };
        writeln!(out, "from {} to {}: {} users", self.from, self.to, self.users)?;
        writeln!(out, "{:>8} were there before", self.there_before)?;
        if self.meanwhile > 0 {
            writeln!(out, "{:>8} came there meanwhile, by signing in or up", self.meanwhile)?;
        }
        writeln!(out, "{:>8} {moved}", self.moved.len())?;
        for (outcome, count) in self.authenticators() {
            let what = match outcome {
                AuthenticatorMove::None => continue,
                AuthenticatorMove::Moved if self.dry_run => {
                    "with their authenticator app, if the provider exports it"
                }
                AuthenticatorMove::Moved => "with their authenticator app, which goes on working",
                AuthenticatorMove::Lost(LossReason::Shared) => {
                    "set up their authenticator app again: other accounts share their number at the provider"
                }
                AuthenticatorMove::Lost(LossReason::NotExported) => {
                    "set up their authenticator app again: the provider does not give its secret away"
                }
            };
            writeln!(out, "{count:>8}   of them {what}")?;
        }
        for (reason, count) in self.reasons() {
            let why = match reason {
                StayReason::UsesPush => {
                    "approve requests on the phone; --with-push moves them, they get codes then"
                }
                StayReason::LosesAuthenticator => "would have to set up their authenticator app again",
                StayReason::ProviderFailed => "the provider failed or refused; see the log",
                StayReason::Busy => "were changed at the same moment",
            };
            writeln!(out, "{count:>8} stay: {why}")?;
        }
        write!(out, "{:>8} in all", self.done())
    }
}
