//! Which page a path opens, and the groups in which pages are loaded.
//!
//! The start page and logging in are part of the program that is loaded first. The other pages are loaded
//! in groups by where a person is: one file per group, since a file per page would share much with the
//! others. Built without the feature `split`, all pages are in one file.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use leptos::{prelude::*, wasm_split::SplitLoaderError};
use shared::routes::page;

use crate::pages::{
    account::Account,
    activity::Activity,
    approve::Approve,
    authenticator::Authenticator,
    change_email::ChangeEmail,
    change_password::ChangePassword,
    change_phone::ChangePhone,
    code::Code,
    confirm_email::ConfirmEmail,
    fixed::{Home, NotFound, SignedOut},
    forgot::Forgot,
    log_in::LogIn,
    methods::Methods,
    own_data::OwnData,
    protected::Protected,
    recover::Recover,
    recovery_codes::RecoveryCodes,
    reset::Reset,
    secure::Secure,
    security::Security,
    send::Send,
    sessions::Sessions,
    sign_up::SignUp,
    verification::Verification,
    verified::Verified,
};

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Home,
    LogIn,
    SignedOut,
    NotFound,
    SignUp,
    Approve,
    Code,
    Methods,
    Verification,
    Verified,
    Protected,
    Send,
    Authenticator,
    Account,
    Recover,
    Security,
    RecoveryCodes,
    Sessions,
    Activity,
    ChangePassword,
    ChangeEmail,
    ChangePhone,
    OwnData,
    Forgot,
    Reset,
    ConfirmEmail,
    Secure,
}

/// Pages that are loaded together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Part of the program.
    First,
    /// Making an account, and verifying a phone: both need to know the numbers of all countries.
    Joining,
    /// The second factor.
    SecondFactor,
    /// What is open to those who are signed in.
    Inside,
    /// Looking after an account.
    Account,
    /// Getting back into an account, and what links from e-mails open.
    Recovering,
}

impl Page {
    /// The page of a path.
    pub fn at(path: &str) -> Self {
        let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
        match path {
            page::HOME => Self::Home,
            page::LOG_IN => Self::LogIn,
            page::SIGNED_OUT => Self::SignedOut,
            page::SIGN_UP => Self::SignUp,
            page::APPROVE => Self::Approve,
            page::CODE => Self::Code,
            page::METHODS => Self::Methods,
            page::VERIFICATION => Self::Verification,
            page::VERIFIED => Self::Verified,
            page::PROTECTED => Self::Protected,
            page::SEND => Self::Send,
            page::AUTHENTICATOR => Self::Authenticator,
            page::ACCOUNT => Self::Account,
            page::RECOVER => Self::Recover,
            page::SECURITY => Self::Security,
            page::RECOVERY_CODES => Self::RecoveryCodes,
            page::SESSIONS => Self::Sessions,
            page::ACTIVITY => Self::Activity,
            page::PASSWORD => Self::ChangePassword,
            page::EMAIL => Self::ChangeEmail,
            page::PHONE => Self::ChangePhone,
            page::DATA => Self::OwnData,
            page::FORGOT => Self::Forgot,
            page::RESET => Self::Reset,
            page::CONFIRM_EMAIL => Self::ConfirmEmail,
            page::SECURE => Self::Secure,
            _ => Self::NotFound,
        }
    }

    pub fn group(self) -> Group {
        match self {
            Self::Home | Self::LogIn | Self::SignedOut | Self::NotFound => Group::First,
            Self::SignUp | Self::Verification | Self::Verified | Self::ChangePhone => Group::Joining,
            Self::Approve | Self::Code | Self::Methods | Self::Recover => Group::SecondFactor,
            Self::Protected | Self::Send | Self::Authenticator | Self::Account => Group::Inside,
            Self::Security
            | Self::RecoveryCodes
            | Self::Sessions
            | Self::Activity
            | Self::ChangePassword
            | Self::ChangeEmail
            | Self::OwnData => Group::Account,
            Self::Forgot | Self::Reset | Self::ConfirmEmail | Self::Secure => Group::Recovering,
        }
    }

    /// Builds the page. `None` while its group is not loaded.
    pub fn build(self) -> Option<AnyView> {
        if !self.group().is_loaded() {
            return None;
        }
        let built = async move {
            match self.group() {
                Group::First => Ok(match self {
                    Self::Home => view! { <Home /> }.into_any(),
                    Self::LogIn => view! { <LogIn /> }.into_any(),
                    Self::SignedOut => view! { <SignedOut /> }.into_any(),
                    _ => view! { <NotFound /> }.into_any(),
                }),
                Group::Joining => joining(self).await,
                Group::SecondFactor => second_factor(self).await,
                Group::Inside => inside(self).await,
                Group::Account => account(self).await,
                Group::Recovering => recovering(self).await,
            }
        };
        // What is loaded is ready at once.
        match pin!(built).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(view)) => Some(view),
            _ => None,
        }
    }
}

thread_local! {
    /// A bit for each group that is loaded.
    static LOADED: Cell<u8> = const { Cell::new(1 << Group::First as u8) };
}

impl Group {
    fn bit(self) -> u8 {
        1 << self as u8
    }

    fn is_loaded(self) -> bool {
        LOADED.get() & self.bit() != 0
    }

    /// Loads the group, unless it is loaded. Returns whether it is.
    pub async fn load(self) -> bool {
        let loaded = match self {
            Self::First => Ok(()),
            Self::Joining => load_joining().await,
            Self::SecondFactor => load_second_factor().await,
            Self::Inside => load_inside().await,
            Self::Account => load_account().await,
            Self::Recovering => load_recovering().await,
        };
        if loaded.is_ok() {
            LOADED.set(LOADED.get() | self.bit());
        }
        loaded.is_ok()
    }

    /// Loads the group of the page that is likely to be the next. A failure shows when it is opened.
    pub fn preload(self) {
        wasm_bindgen_futures::spawn_local(async move {
            self.load().await;
        });
    }
}

/// A function that builds the pages of a group. With the feature `split`, it and all that only it needs
/// is a file of its own, which the first call loads.
macro_rules! group {
    ($name:ident, $load:ident, [$($page:ident),+]) => {
        #[cfg(feature = "split")]
        #[leptos::wasm_split::wasm_split($name, wasm_split_path = leptos::wasm_split, preload($load), fallible)]
        fn $name(page: Page) -> Result<AnyView, SplitLoaderError> {
            Ok(match page {
                $(Page::$page => view! { <$page /> }.into_any(),)+
                _ => view! { <NotFound /> }.into_any(),
            })
        }

        #[cfg(not(feature = "split"))]
        async fn $name(page: Page) -> Result<AnyView, SplitLoaderError> {
            Ok(match page {
                $(Page::$page => view! { <$page /> }.into_any(),)+
                _ => view! { <NotFound /> }.into_any(),
            })
        }

        #[cfg(not(feature = "split"))]
        async fn $load() -> Result<(), SplitLoaderError> {
            Ok(())
        }
    };
}

group!(joining, load_joining, [SignUp, Verification, Verified, ChangePhone]);
group!(second_factor, load_second_factor, [Approve, Code, Methods, Recover]);
group!(inside, load_inside, [Protected, Send, Authenticator, Account]);
group!(
    account,
    load_account,
    [Security, RecoveryCodes, Sessions, Activity, ChangePassword, ChangeEmail, OwnData]
);
group!(recovering, load_recovering, [Forgot, Reset, ConfirmEmail, Secure]);
