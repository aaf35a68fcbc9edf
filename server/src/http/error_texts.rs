//! What people read of an error, by its code and what was counted.

use std::time::Duration;

use shared::ErrorCode;

use crate::domain::refusal::Counted;

/// Whole seconds, rounded up; at least one.
pub(super) fn seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// "in 30 seconds", "in 15 minutes", "in 2 hours".
pub(super) fn when_in(wait: Duration) -> String {
    let seconds = seconds(wait);
    let (count, unit) = match seconds {
        0..=90 => (seconds, "second"),
        91..=5400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3600), "hour"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("in {count} {unit}{plural}")
}

/// Another account has this.
pub(super) fn taken_message(field: &str) -> &'static str {
    if field == "email" { "An account with this email already exists." } else { "This username is taken." }
}

/// What was counted, and when it may be tried again.
pub(super) fn too_many(what: Counted, wait: Duration) -> String {
    let when = when_in(wait);
    match what {
        Counted::Resends => format!("We just sent a code. You can get a new one {when}."),
        Counted::Verifications => format!("Too many codes were requested. Try again {when}."),
        Counted::Sends => {
            format!("Too many codes were sent. Try again {when}, or use another sign-in method.")
        }
        Counted::Pushes => format!("Too many requests weren't approved. Use a code, or try again {when}."),
        Counted::Approvals => format!("Too many requests weren't approved. Try again {when}."),
        Counted::Codes => format!("Too many wrong codes. Try again {when}."),
        Counted::Passwords => format!("Too many wrong passwords. Try again {when}."),
        Counted::CodeTries => "This code was tried too often. Get a new code.".to_owned(),
        Counted::DeviceTokens => format!("Too many devices were to be registered. Try again {when}."),
        Counted::Streams => format!("Too many requests. Try again {when}."),
        Counted::Mails => format!("Too many emails were requested. Try again {when}."),
        Counted::SignUps => format!("Too many accounts were created from your network. Try again {when}."),
    }
}

/// What a person reads where the code says it all.
pub(super) fn message_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Unreadable => "The request can't be read.",
        ErrorCode::UnsupportedType => "Send JSON or form data.",
        ErrorCode::TooLarge => "The request is larger than 64 KiB.",
        ErrorCode::InvalidFields => "Check the marked fields.",
        ErrorCode::NotFound => "Not found.",
        ErrorCode::MethodNotAllowed => "This method isn't allowed here.",
        ErrorCode::ForeignOrigin => "Requests from other sites aren't allowed.",
        ErrorCode::WrongSignature => "The signature is missing or wrong.",
        ErrorCode::NoSuchUser => "User not found.",
        ErrorCode::WrongCredentials => "Wrong email or password.",
        ErrorCode::WrongCode => "Wrong code. Check it and try again.",
        ErrorCode::WrongNumber => "Wrong number.",
        ErrorCode::WrongPassword => "Wrong current password.",
        ErrorCode::LinkExpired => "This link has expired or was already used. Request a new one.",
        ErrorCode::NoMatch => "There's no number to enter for this sign-in.",
        ErrorCode::EmailOff => "Email isn't set up on this server.",
        ErrorCode::Taken => "This account exists already.",
        ErrorCode::NoSession => "Your sign-in has ended. Sign in again.",
        ErrorCode::NotSignedIn => "You're not signed in.",
        ErrorCode::SecondFactorRequired => "Complete the second step first.",
        ErrorCode::NotApproved => "The request isn't approved yet.",
        ErrorCode::PushOpen => "A request is already waiting on your phone.",
        ErrorCode::PhoneUnverified => "Verify your phone number first.",
        ErrorCode::PhoneInUse => "This phone number can't be used for another account.",
        ErrorCode::StepUpRequired => "Verify it's you, then try again.",
        ErrorCode::AlreadyEnrolled => "A QR code was shown a moment ago. Wait a minute to get a new one.",
        ErrorCode::PushUnavailable => "Approval requests can't reach this phone. Use a code instead.",
        ErrorCode::NoPush => "No approval request was sent in this sign-in.",
        ErrorCode::OtherData => "The details changed after approval. Send a new request.",
        ErrorCode::AlreadyRedeemed => "This approval was already used. Send a new request.",
        ErrorCode::ChannelRefused => {
            "Text messages and calls can't reach this phone. Use another sign-in method, such as the code from the app."
        }
        ErrorCode::TooMany => "Too many requests. Try again in a moment.",
        ErrorCode::ProviderLimit => {
            "No more codes can be sent to this number for now. Try again in 10 minutes."
        }
        ErrorCode::ProviderFailed => "We couldn't reach your phone. Nothing was sent. Try again in a minute.",
        ErrorCode::Unavailable => "The service is unavailable. Try again in a moment.",
        _ => "Something went wrong on our side.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_the_largest_unit_that_fits() {
        for (seconds, told) in [
            (0, "in 1 second"),
            (30, "in 30 seconds"),
            (900, "in 15 minutes"),
            (3600, "in 60 minutes"),
            (7200, "in 2 hours"),
            (86_400, "in 24 hours"),
        ] {
            assert_eq!(when_in(Duration::from_secs(seconds)), told);
        }
    }
}
