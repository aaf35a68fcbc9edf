//! Domain values as columns, mapped once for either database.

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql},
    serialize::{self, Output, ToSql},
    sql_types::{BigInt, Text},
};
use shared::{Channel, Via};

use crate::domain::{
    clock::Timestamp,
    push::{ApprovalState, Purpose},
    rights::Rights,
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
                    other => Err(format!("{other:?} is no word of this column").into()),
                }
            }
        }
    };
}

word_column!(Rights,
    Rights::Anonymous => "anonymous",
    Rights::Pending => "pending",
    Rights::Proven => "proven",
    Rights::SignedIn => "signed_in",
);

word_column!(ApprovalState,
    ApprovalState::Asking => "asking",
    ApprovalState::Pending => "pending",
    ApprovalState::Approved => "approved",
    ApprovalState::Denied => "denied",
    ApprovalState::Failed => "failed",
);

word_column!(super::codes::Outcome,
    super::codes::Outcome::Asked => "asked",
    super::codes::Outcome::Right => "right",
    super::codes::Outcome::Wrong => "wrong",
    super::codes::Outcome::Failed => "failed",
);

word_column!(super::attempts::Kind,
    super::attempts::Kind::Password => "password",
    super::attempts::Kind::SignUp => "sign_up",
    super::attempts::Kind::Verification => "verification",
    super::attempts::Kind::VerificationCode => "verification_code",
);

word_column!(Purpose,
    Purpose::SignIn => "sign_in",
    Purpose::Action => "action",
);

/// Types of the wire crate, as columns: neither they nor the traits are ours.
macro_rules! wire_column {
    ($column:ident($kind:ty), $($value:path => $word:literal),+ $(,)?) => {
        #[doc = concat!("[`", stringify!($kind), "`] as a column.")]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression,
            diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = Text)]
        pub struct $column(pub $kind);

        impl<DB: Backend> ToSql<Text, DB> for $column
        where
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                let word: &'static str = match self.0 { $($value => $word),+ };
                <str as ToSql<Text, DB>>::to_sql(word, out)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $column
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                match String::from_sql(bytes)?.as_str() {
                    $($word => Ok(Self($value)),)+
                    other => Err(format!("{other:?} is no word of this column").into()),
                }
            }
        }
    };
}

wire_column!(ViaColumn(Via), Via::Sms => "sms", Via::Call => "call");

wire_column!(ChannelColumn(Channel),
    Channel::Push => "push",
    Channel::Sms => "sms",
    Channel::Call => "call",
    Channel::SoftToken => "soft_token",
);
