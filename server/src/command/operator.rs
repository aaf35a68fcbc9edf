//! What the commands of an operator share: the database, and whom they are about.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    sync::Arc,
};

use super::{
    causes, open, start_logging,
    terminal::{fail, plain},
};
use crate::{
    config::Config,
    domain::{ids::Random, secret::Secret},
    services::{
        Context, ServiceError,
        background::finish,
        operations::{Operations, UserRow},
    },
    startup,
};

/// A command that has the database.
pub(super) struct Operator {
    pub(super) context: Arc<Context>,
    pub(super) operations: Operations,
    /// Whether the servers' provider is a sandbox inside one of them.
    pub(super) has_sandbox: bool,
}

impl Operator {
    /// Opens what the settings name.
    pub(super) async fn open() -> Result<Self, ExitCode> {
        let mut config = Config::load().map_err(|problem| fail(&format!("countersign: {problem}")))?;
        // Events go to the log; what the operator reads to the output.
        start_logging(&config, io::stderr, io::stderr().is_terminal());
        let store = match open(&config).await {
            Ok(Ok((store, _))) => store,
            Ok(Err(unmigrated)) => return Err(fail(&format!("countersign: {unmigrated}"))),
            Err(error) => return Err(failed(&error.into())),
        };
        let has_sandbox = config.sandbox.is_some();
        if has_sandbox && config.mail.url.is_none() {
            // Notices are queued here and sent by the server, which knows its sandbox's mailbox.
            config.mail.url = Some(Secret::new("smtp://127.0.0.1".to_owned()));
        }
        let _ = rustls::crypto::ring::default_provider().install_default();
        let random = Random::system();
        let providers = startup::providers(&config, None, random);
        let context = startup::for_command(&config, store, providers, random);
        Ok(Self { operations: Operations::new(Arc::clone(&context)), context, has_sandbox })
    }

    /// The account with this id, email or username.
    pub(super) async fn user(&self, named: &str) -> Result<UserRow, ExitCode> {
        match self.operations.user(named).await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(fail("User not found")),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Stores what was recorded.
    pub(super) async fn close(self) {
        finish(&self.context).await;
    }
}

/// Says why a command could not do its work.
pub(super) fn failed(error: &ServiceError) -> ExitCode {
    match error {
        ServiceError::Store(error) => {
            fail(&format!("countersign: DATABASE_URL: the database cannot be used: {}", causes(error)))
        }
        other => fail(&format!("countersign: {}", causes(other))),
    }
}

/// An account, as questions and answers name it.
pub(super) fn name(user: &UserRow) -> String {
    // An account whose email was verified by another one has none.
    let address = if user.email.is_empty() { user.id.as_str() } else { &user.email };
    format!("{} <{}>", plain(&user.full_name), plain(address))
}
