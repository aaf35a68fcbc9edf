//! How a sandbox is started.

use std::sync::Arc;

use crate::clock::{Clock, MachineClock};

/// How a sandbox is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port on the loopback interface; 0 for any free one.
    pub port: u16,
    /// Port on the loopback interface for e-mails by SMTP: 0 for any free one, `None` for no listener.
    pub smtp_port: Option<u16>,
    /// URL that receives the answers to approval requests; `None` to send no callbacks.
    pub webhook_url: Option<String>,
    /// URL that receives events of Verify's service of sign-ins; `None` for no webhook there from the start.
    pub verify_webhook_url: Option<String>,
    /// Target of the phone page's link "Back to the app"; `None` for no link.
    pub app_url: Option<String>,
    /// Digits of the codes it sends: the provider's applications choose 6 to 8.
    pub code_digits: usize,
    /// The clock by which codes and approval requests expire.
    pub clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            smtp_port: Some(0),
            webhook_url: None,
            verify_webhook_url: None,
            app_url: None,
            code_digits: 7,
            clock: Arc::new(MachineClock::default()),
        }
    }
}
