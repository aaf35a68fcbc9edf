//! Notices: what the owner of an account is told by e-mail when something has happened to it.
//!
//! A notice never holds a code, a password, a whole phone number, or the new e-mail.

use super::{clock::Timestamp, factor::Method, mail::Letter};

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A sign-in in a browser or at an address that was not seen before.
    NewDevice,
    /// A sign-in method was added.
    MethodAdded(Method),
    /// A sign-in method was removed.
    MethodRemoved(Method),
    /// The password was changed or reset.
    PasswordChanged,
    /// The phone was changed.
    PhoneChanged,
    /// The account uses another e-mail now; this goes to the one before it.
    EmailChanged,
    /// The password was right, and no factor passed.
    HalfSignIn,
    /// A sign-in was denied on the phone.
    SignInDenied,
    /// Too many wrong codes after a right password.
    CodesLocked {
        /// Until when.
        until: Timestamp,
    },
    /// A recovery code was used.
    RecoveryCodeUsed {
        /// How many were not used yet.
        left: u32,
    },
    /// What a browser is remembered by was used elsewhere.
    DeviceStolen,
    /// The account was deleted.
    AccountDeleted,
}

/// A notice's subject and paragraphs, in words.
#[must_use]
pub fn words(notice: Notice, app_name: &str) -> (String, Vec<String>) {
    let one = |subject: &str, body: &str| (subject.to_owned(), vec![body.to_owned()]);
    match notice {
        Notice::NewDevice => (
            format!("New sign-in to {app_name}"),
            vec!["Your account was used to sign in on a new device.".to_owned()],
        ),
        Notice::MethodAdded(method) => (
            "Sign-in method added".to_owned(),
            vec![format!("A sign-in method was added to your account: {}.", method_name(method))],
        ),
        Notice::MethodRemoved(method) => (
            "Sign-in method removed".to_owned(),
            vec![format!("A sign-in method was removed from your account: {}.", method_name(method))],
        ),
        Notice::PasswordChanged => one(
            "Your password was changed",
            "The password of your account was changed. All other sessions were ended.",
        ),
        Notice::PhoneChanged => {
            one("Your phone number was changed", "The phone number of your account was changed.")
        }
        Notice::EmailChanged => (
            "Your email was changed".to_owned(),
            vec![format!("Your {app_name} account no longer uses this email.")],
        ),
        Notice::HalfSignIn => one(
            "Someone entered your password",
            "Someone entered your password but didn’t complete the second step. They weren’t signed in.",
        ),
        Notice::SignInDenied => {
            one("A sign-in was denied", "A sign-in to your account was denied on your phone.")
        }
        Notice::CodesLocked { until } => (
            "Codes are locked".to_owned(),
            vec![format!(
                "Someone entered your password and then too many wrong codes. Codes are locked until {}. \
                 You can still approve on your phone.",
                until.to_words()
            )],
        ),
        Notice::RecoveryCodeUsed { left } => (
            "A recovery code was used".to_owned(),
            vec![
                "A recovery code was used to sign in to your account.".to_owned(),
                match left {
                    0 => "No recovery codes left. Create new codes.".to_owned(),
                    1 => "1 recovery code left. Create new codes.".to_owned(),
                    2 => "2 recovery codes left. Create new codes.".to_owned(),
                    left => format!("{left} recovery codes left."),
                },
            ],
        ),
        Notice::DeviceStolen => one(
            "A remembered device was removed",
            "The sign-in data of a remembered device was used elsewhere. That device is no longer remembered.",
        ),
        Notice::AccountDeleted => (
            "Your account was deleted".to_owned(),
            vec![format!("Your {app_name} account and everything stored about it were deleted.")],
        ),
    }
}

impl Notice {
    /// Whether somebody can cause it without a second factor: then only so many are sent.
    #[must_use]
    pub fn is_caused_by_strangers(self) -> bool {
        matches!(self, Self::HalfSignIn | Self::SignInDenied | Self::CodesLocked { .. } | Self::DeviceStolen)
    }

    /// The letter, without its facts and button.
    #[must_use]
    pub fn letter<'a>(self, app_name: &'a str, name: &'a str) -> Letter<'a> {
        let (subject, paragraphs) = words(self, app_name);
        let footer = format!("This email is about the security of your {app_name} account.");
        Letter { app_name, name, subject, paragraphs, footer, ..Letter::default() }
    }
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Push => "Approval request",
        Method::Sms => "Text message",
        Method::Call => "Phone call",
        Method::WhatsApp => "WhatsApp",
        Method::Email => "Email",
        Method::App => "Code from the app",
        Method::Authenticator => "Authenticator app",
        Method::Recovery => "Recovery code",
        Method::Device => "Remembered device",
    }
}
