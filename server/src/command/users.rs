//! `user find`, and the commands that change one account.

use std::process::ExitCode;

use shared::phone::written_e164;

use super::{
    arguments::{Change, ChangeUser},
    operator::{Operator, failed, name},
    terminal::{confirm, fail, plain, say},
};
use crate::{
    domain::{
        clock::Timestamp,
        factor::{FactorKind, FactorState},
        refusal::Refusal,
    },
    services::{
        ServiceError,
        operations::{FactorRow, FoundAccount, UserRow},
    },
};

/// Prints the accounts that somebody may mean.
pub(super) async fn find(named: &str) -> ExitCode {
    let operator = match Operator::open().await {
        Ok(operator) => operator,
        Err(code) => return code,
    };
    match operator.operations.find(named).await {
        Ok(found) if found.is_empty() => fail("User not found"),
        Ok(found) => {
            let found: Vec<String> = found.iter().map(written).collect();
            say(&found.join("\n\n"));
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

fn written(found: &FoundAccount) -> String {
    let user = &found.user;
    let since = |at: Option<Timestamp>| at.map_or("no".to_owned(), |at| format!("since {}", at.to_rfc3339()));
    let verified = |is_verified| if is_verified { "verified" } else { "not verified" };
    let mut lines = vec![
        ("id", user.id.as_str().to_owned()),
        ("name", plain(&user.full_name)),
        ("email", format!("{} ({})", plain(&user.email), verified(user.is_email_verified()))),
        ("username", user.username.as_deref().map_or("none".to_owned(), plain)),
        ("phone", format!("{} ({})", written_e164(user.phone.e164()), verified(user.is_phone_verified()))),
        ("created", user.created_at.to_rfc3339()),
        ("last sign-in", found.last_sign_in.map_or("never".to_owned(), Timestamp::to_rfc3339)),
        ("disabled", since(user.disabled_at)),
        (
            "codes locked",
            found.locked_until.map_or("no".to_owned(), |at| format!("until {}", at.to_rfc3339())),
        ),
    ];
    lines.extend(found.factors.iter().map(|factor| ("factor", written_factor(factor))));
    lines.push((
        "recovery codes",
        found.recovery_codes.map_or("none".to_owned(), |left| format!("{left} left")),
    ));
    lines.push(("sessions", found.sessions.to_string()));
    lines.push(("remembered", format!("{} browsers", found.remembered_browsers)));
    let lines: Vec<String> = lines.into_iter().map(|(what, text)| format!("{what:<15} {text}")).collect();
    lines.join("\n")
}

fn written_factor(factor: &FactorRow) -> String {
    let state = match factor.state {
        FactorState::Unconfirmed => "not confirmed",
        FactorState::Active => "active",
        FactorState::Removed => "removed",
    };
    let name = factor.name.as_deref().map(|name| format!(" {:?}", plain(name))).unwrap_or_default();
    format!("{} {}{name} ({state})", factor.id, kind(factor))
}

fn kind(factor: &FactorRow) -> &'static str {
    match factor.kind {
        FactorKind::Phone => "phone",
        FactorKind::Authenticator => "authenticator",
        FactorKind::ProviderAuthenticator => "authenticator of the provider",
        FactorKind::Push => "device",
    }
}

/// Changes an account, after asking.
pub(super) async fn change(wish: ChangeUser) -> ExitCode {
    let operator = match Operator::open().await {
        Ok(operator) => operator,
        Err(code) => return code,
    };
    let code = match change_of(&operator, wish).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    };
    operator.close().await;
    code
}

async fn change_of(operator: &Operator, wish: ChangeUser) -> Result<(), ExitCode> {
    let user = operator.user(&wish.user).await?;
    let (operations, who) = (&operator.operations, name(&user));
    let ask = |question: String| confirm(&question, wish.yes);
    let done = match wish.change {
        Change::Unlock => {
            ask(format!("Unlock {who}?"))?;
            operations.unlock(&user.id).await.map(|()| format!("Unlocked {who}"))
        }
        Change::EndSessions => {
            ask(format!("End all sessions of {who}?"))?;
            operations.end_sessions(&user.id).await.map(|ended| format!("Sessions ended: {ended}"))
        }
        Change::Disable => {
            ask(format!("Disable {who} and end all sessions?"))?;
            operations.disable(&user.id).await.map(|is_new| changed(is_new, format!("Disabled {who}")))
        }
        Change::Enable => {
            ask(format!("Enable {who}?"))?;
            operations.enable(&user.id).await.map(|is_new| changed(is_new, format!("Enabled {who}")))
        }
        Change::Delete => {
            ask(format!("Delete {who} and all data? This can't be undone."))?;
            operations.delete(&user.id).await.map(|()| format!("Deleted {who}"))
        }
        Change::RemoveRecoveryCodes => {
            ask(format!("Remove the recovery codes of {who}?"))?;
            let removed = operations.remove_recovery_codes(&user.id).await;
            removed.map(|removed| changed(removed, "Removed recovery codes".to_owned()))
        }
        Change::RemoveFactor(id) => return remove_factor(operator, &user, &id, wish.yes).await,
    };
    say(&done.map_err(|error| failed(&error))?);
    Ok(())
}

/// What is said where things may have been so before.
fn changed(is_changed: bool, text: String) -> String {
    if is_changed { text } else { "Nothing changed".to_owned() }
}

async fn remove_factor(operator: &Operator, user: &UserRow, id: &str, yes: bool) -> Result<(), ExitCode> {
    let found = operator.operations.factor(&user.id, id).await.map_err(|error| failed(&error))?;
    let Some(factor) = found else { return Err(fail("Factor not found; `user find` prints them")) };
    if factor.kind == FactorKind::Phone {
        return Err(fail(
            "countersign: the phone stays: codes and approval requests go to it. Its owner changes it; \
             to keep people out, disable the account",
        ));
    }
    if factor.kind == FactorKind::Push && operator.has_sandbox {
        return Err(fail(
            "countersign: SANDBOX: it runs inside the server, where no command reaches its devices",
        ));
    }
    let name = factor.name.as_deref().map(|name| format!(" {:?}", plain(name))).unwrap_or_default();
    let what = format!("{}{name}", kind(&factor));
    confirm(&format!("Remove {what} of {}?", self::name(user)), yes)?;
    match operator.operations.remove_factor(&user.id, &factor).await {
        Ok(()) => say(&format!("Removed {what}")),
        Err(ServiceError::Refused(Refusal::NotFound)) => return Err(fail("Factor not found")),
        Err(ServiceError::Provider(error)) => {
            let why = super::causes(&error);
            return Err(fail(&format!(
                "countersign: the provider has not removed it: {why}; run the command again"
            )));
        }
        Err(error) => return Err(failed(&error)),
    }
    Ok(())
}
