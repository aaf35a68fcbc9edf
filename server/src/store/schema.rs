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
        email_verified_at -> Nullable<BigInt>,
        disabled_at -> Nullable<BigInt>,
        password_changed_at -> Nullable<BigInt>,
        uses_page -> Bool,
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
        browser -> Text,
        address -> Text,
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
        number -> Nullable<Integer>,
        wrong_numbers -> Integer,
        matched_at -> Nullable<BigInt>,
        owner_answered_at -> Nullable<BigInt>,
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

diesel::table! {
    recovery_codes (user_id, digest) {
        user_id -> Text,
        digest -> Text,
        created_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    remembered_devices (id) {
        id -> Text,
        user_id -> Text,
        token_hash -> Text,
        previous_hash -> Nullable<Text>,
        rotated_at -> BigInt,
        browser -> Text,
        address -> Text,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    links (digest) {
        digest -> Text,
        kind -> Text,
        user_id -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        password_version -> Integer,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    mails (id) {
        id -> Text,
        content -> Text,
        created_at -> BigInt,
        due_at -> BigInt,
        attempts -> Integer,
    }
}

diesel::table! {
    half_sign_ins (session_id) {
        session_id -> Text,
        user_id -> Text,
        due_at -> BigInt,
        browser -> Text,
        address -> Text,
    }
}

diesel::table! {
    phone_changes (user_id) {
        user_id -> Text,
        session_id -> Text,
        phone -> Text,
        provider_account -> Text,
        provider_user -> Text,
        reference -> Text,
        via -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    events (id) {
        id -> Text,
        user_id -> Nullable<Text>,
        at -> BigInt,
        act -> Text,
        outcome -> Text,
        factor -> Nullable<Text>,
        browser -> Text,
        address -> Text,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(approvals -> users (user_id));
diesel::joinable!(links -> users (user_id));
diesel::joinable!(half_sign_ins -> users (user_id));
diesel::joinable!(remembered_devices -> users (user_id));
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
    verification_claims,
    recovery_codes,
    remembered_devices,
    links,
    mails,
    half_sign_ins,
    phone_changes,
    events
);
