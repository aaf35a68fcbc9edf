//! The tables, as both databases have them.

diesel::table! {
    users (id) {
        id -> Text,
        full_name -> Text,
        username -> Nullable<Text>,
        username_key -> Nullable<Text>,
        email -> Text,
        email_key -> Text,
        password_hash -> Text,
        phone -> Text,
        phone_verified_at -> Nullable<BigInt>,
        wrong_codes -> Integer,
        codes_locked_until -> Nullable<BigInt>,
        code_locks -> Integer,
        password_version -> Integer,
        created_at -> BigInt,
        last_sign_in_at -> Nullable<BigInt>,
        last_channel -> Nullable<Text>,
        unverified_since -> Nullable<BigInt>,
        authenticator_lost -> Nullable<Text>,
    }
}

diesel::table! {
    factors (id) {
        id -> Text,
        user_id -> Nullable<Text>,
        kind -> Text,
        state -> Text,
        name -> Nullable<Text>,
        provider_account -> Nullable<Text>,
        provider_user -> Nullable<Text>,
        secret -> Nullable<Text>,
        last_step -> Nullable<BigInt>,
        created_at -> BigInt,
        confirmed_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        removed_at -> Nullable<BigInt>,
        reference -> Nullable<Text>,
        device_token_at -> Nullable<BigInt>,
        last_push_at -> Nullable<BigInt>,
        last_app_code_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        token_hash -> Text,
        user_id -> Nullable<Text>,
        state -> Text,
        origin -> Text,
        push_id -> Nullable<Text>,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
        verifying_phone -> Nullable<Text>,
        verifying_until -> Nullable<BigInt>,
        verified_phone -> Nullable<Text>,
        factor -> Nullable<Text>,
        factor_at -> Nullable<BigInt>,
        cookie_only -> Bool,
        address_key -> Text,
        device_id -> Nullable<Text>,
    }
}

diesel::table! {
    approvals (id) {
        id -> Text,
        reference -> Nullable<Text>,
        user_id -> Text,
        session_id -> Nullable<Text>,
        message -> Text,
        details -> Text,
        status -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        settled_at -> Nullable<BigInt>,
        purpose -> Text,
        data_digest -> Nullable<Text>,
        redeemed_at -> Nullable<BigInt>,
        provider_account -> Text,
        provider_user -> Text,
        phone -> Text,
        stranger -> Bool,
        device_id -> Nullable<Text>,
    }
}

diesel::table! {
    approval_polls (approval_id) {
        approval_id -> Text,
        due_at -> BigInt,
        polls -> Integer,
    }
}

diesel::table! {
    approval_challenges (reference) {
        reference -> Text,
        approval_id -> Text,
        device -> Text,
    }
}

diesel::table! {
    verification_claims (service, phone) {
        service -> Text,
        phone -> Text,
        owner -> Text,
        verification -> Nullable<Text>,
        sends -> Integer,
        claimed_at -> BigInt,
    }
}

diesel::table! {
    sends (id) {
        id -> Text,
        user_id -> Text,
        session_id -> Nullable<Text>,
        via -> Text,
        reference -> Nullable<Text>,
        at -> BigInt,
        provider_account -> Text,
    }
}

diesel::table! {
    checks (id) {
        id -> Text,
        user_id -> Text,
        session_id -> Nullable<Text>,
        outcome -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    attempts (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    nonces (digest) {
        digest -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    messages (id) {
        id -> Text,
        user_id -> Text,
        sid -> Nullable<Text>,
        status -> Text,
        error_code -> Nullable<Integer>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    // On PostgreSQL alone, which several servers may share.
    session_changes (id) {
        id -> BigInt,
        session_id -> Text,
        changed_at -> BigInt,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(approvals -> users (user_id));
diesel::joinable!(approval_challenges -> approvals (approval_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    factors,
    sessions,
    approvals,
    approval_polls,
    approval_challenges,
    sends,
    checks,
    attempts,
    nonces,
    messages,
    verification_claims
);
