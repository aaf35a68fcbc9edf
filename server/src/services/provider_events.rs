//! Webhooks that tell that something has happened at the provider. They are hints: what has happened is read there.

use std::sync::Arc;

use super::{Context, Result, ServiceError, finish};
use crate::{provider::verify::VerifyEvent, store::approval_challenges};

/// Reads what a webhook has told of.
#[derive(Debug, Clone)]
pub struct ProviderEvents {
    context: Arc<Context>,
}

impl ProviderEvents {
    /// Uses the context's database and providers.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Reads at the provider what a webhook with a right signature tells of. What is unknown here or settled is not
    /// asked for.
    ///
    /// # Errors
    /// When the database fails. A provider that fails is asked again when the next poll is due.
    pub async fn accept(&self, event: VerifyEvent) -> Result<()> {
        let context = Arc::clone(&self.context);
        finish(async move {
            match event {
                VerifyEvent::Answered { account, challenge } => {
                    let request = context
                        .store
                        .read(move |db| {
                            let found = approval_challenges::open_request(db, &account, &challenge);
                            Ok::<_, ServiceError>(found?)
                        })
                        .await?;
                    match request {
                        Some(request) => context.look_up_answer(request).await,
                        None => Ok(()),
                    }
                }
                VerifyEvent::Devices(at) => match context.devices_changed(at).await {
                    Err(ServiceError::Provider(error)) => {
                        tracing::warn!(%error, "reading a user's devices");
                        Ok(())
                    }
                    other => other,
                },
                VerifyEvent::Other => Ok(()),
            }
        })
        .await
    }
}
