//! Domain values as columns, mapped once for either database.

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql},
    serialize::{self, Output, ToSql},
    sql_types::{BigInt, Text},
};
use shared::{Via, phone::PhoneNumber};

use crate::domain::{
    approval::{ApprovalPurpose, ApprovalState},
    clock::Timestamp,
    code::CheckOutcome,
    event::{Act, Outcome},
    factor::{FactorKind, FactorState, LossReason, Method, ProviderAccount, ProviderUser},
    ids::{
        ApprovalId, AttemptId, CheckId, DeviceId, EventId, FactorId, MailId, MessageId, RememberedId, SendId,
        SessionId, TokenHash, UserId,
    },
    limits::AttemptKind,
    link::LinkKind,
    phone::Phone,
    session::{Origin, State},
};

impl<DB: Backend> ToSql<BigInt, DB> for Timestamp
where
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: Backend> FromSql<BigInt, DB> for Timestamp
where
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(bytes).map(Self)
    }
}

/// Texts with a meaning of their own.
macro_rules! text_column {
    ($($kind:ty),+ $(,)?) => {$(
        impl<DB: Backend> ToSql<Text, DB> for $kind
        where
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.as_str().to_sql(out)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $kind
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                String::from_sql(bytes).map(Self::from_text)
            }
        }
    )+};
}

text_column!(
    ApprovalId,
    AttemptId,
    CheckId,
    DeviceId,
    EventId,
    FactorId,
    MailId,
    MessageId,
    ProviderAccount,
    ProviderUser,
    RememberedId,
    SendId,
    SessionId,
    TokenHash,
    UserId,
);

impl<DB: Backend> ToSql<Text, DB> for Phone
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.e164().to_sql(out)
    }
}

impl<DB: Backend> FromSql<Text, DB> for Phone
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let number = String::from_sql(bytes)?;
        let phone = PhoneNumber::from_e164(&number).ok_or("not an E.164 number")?;
        Ok(Self::new(phone))
    }
}

/// A column that holds one of a few words.
macro_rules! word_column {
    ($kind:ty, $($value:path => $word:literal),+ $(,)?) => {
        impl<DB: Backend> ToSql<Text, DB> for $kind
        where
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                let word: &'static str = match self { $($value => $word),+ };
                <str as ToSql<Text, DB>>::to_sql(word, out)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $kind
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                match String::from_sql(bytes)?.as_str() {
                    $($word => Ok($value),)+
                    other => Err(format!("{other:?} is not a value of this column").into()),
                }
            }
        }
    };
}

word_column!(State,
    State::Anonymous => "anonymous",
    State::Pending => "pending",
    State::Verified => "verified",
    State::SignedIn => "signed_in",
);

word_column!(Origin,
    Origin::SignUp => "sign_up",
    Origin::Password => "password",
    Origin::NumberVerification => "number_verification",
);

word_column!(FactorKind,
    FactorKind::Phone => "phone",
    FactorKind::Authenticator => "authenticator",
    FactorKind::ProviderAuthenticator => "provider_authenticator",
    FactorKind::Push => "push",
);

word_column!(LossReason,
    LossReason::Shared => "shared",
    LossReason::NotExported => "not_exported",
);

word_column!(FactorState,
    FactorState::Unconfirmed => "unconfirmed",
    FactorState::Active => "active",
    FactorState::Removed => "removed",
);

word_column!(Method,
    Method::Push => "push",
    Method::Sms => "sms",
    Method::Call => "call",
    Method::WhatsApp => "whatsapp",
    Method::Email => "email",
    Method::App => "soft_token",
    Method::Authenticator => "authenticator",
    Method::Recovery => "recovery",
    Method::Device => "device",
);

word_column!(ApprovalState,
    ApprovalState::Asking => "asking",
    ApprovalState::Pending => "pending",
    ApprovalState::Approved => "approved",
    ApprovalState::Denied => "denied",
    ApprovalState::Failed => "failed",
);

word_column!(CheckOutcome,
    CheckOutcome::Asked => "asked",
    CheckOutcome::Right => "right",
    CheckOutcome::Wrong => "wrong",
    CheckOutcome::Failed => "failed",
);

word_column!(AttemptKind,
    AttemptKind::Password => "password",
    AttemptKind::SignUp => "sign_up",
    AttemptKind::Send => "send",
    AttemptKind::Code => "code",
    AttemptKind::NumberCode => "number_code",
    AttemptKind::Confirmation => "confirmation",
    AttemptKind::DeviceToken => "device_token",
    AttemptKind::DeviceList => "device_list",
    AttemptKind::Recovery => "recovery",
    AttemptKind::Mail => "mail",
    AttemptKind::Notice => "notice",
    AttemptKind::Reset => "reset",
);

word_column!(LinkKind,
    LinkKind::VerifyEmail => "verify_email",
    LinkKind::ResetPassword => "reset_password",
    LinkKind::Secure => "secure",
);

word_column!(Outcome,
    Outcome::Success => "success",
    Outcome::Wrong => "wrong",
    Outcome::Denied => "denied",
    Outcome::Refused => "refused",
    Outcome::Failed => "failed",
);

/// An act is stored by its name in the log.
impl<DB: Backend> ToSql<Text, DB> for Act
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <str as ToSql<Text, DB>>::to_sql(self.as_str(), out)
    }
}

impl<DB: Backend> FromSql<Text, DB> for Act
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let name = String::from_sql(bytes)?;
        Self::from_name(&name).ok_or_else(|| format!("{name:?} is not a value of this column").into())
    }
}

word_column!(ApprovalPurpose,
    ApprovalPurpose::SignIn => "sign_in",
    ApprovalPurpose::Action => "action",
);

/// [`Via`] as a column: neither the type nor the traits are of this crate.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = Text)]
pub struct ViaColumn(pub Via);

impl<DB: Backend> ToSql<Text, DB> for ViaColumn
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <str as ToSql<Text, DB>>::to_sql(self.0.as_str(), out)
    }
}

impl<DB: Backend> FromSql<Text, DB> for ViaColumn
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let word = String::from_sql(bytes)?;
        Via::from_name(&word)
            .map(Self)
            .ok_or_else(|| format!("{word:?} is not a value of this column").into())
    }
}
