//! The auth state of this browser, and which pages it may open.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::{ErrorCode, PushStatus, StatusAnswer, User, Via, Way, routes::page};

use crate::{
    api::{self, ApiFailure},
    browser,
};

/// The auth state as the server reports it.
#[derive(Debug, Clone, PartialEq)]
pub enum AuthState {
    /// It could not be loaded.
    Failed(ApiFailure),
    /// No session.
    Anonymous,
    /// The password was right, the second factor is missing. Holds the status of the session's
    /// newest approval request.
    Pending(StatusAnswer),
    /// Signed in.
    SignedIn(User),
}

/// The last code this page had sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SentCode {
    /// The server's message; absent when it only said that it is too soon for another code.
    pub message: Option<String>,
    /// How it was sent; absent where that is not known.
    pub via: Option<Via>,
    /// When another code may be requested, by [`browser::now_ms`].
    pub resend_at: f64,
}

impl SentCode {
    pub fn new(message: Option<String>, via: Option<Via>, resend_after_seconds: u32) -> Self {
        Self { message, via, resend_at: browser::now_ms() + f64::from(resend_after_seconds) * 1000.0 }
    }
}

/// The auth state and the messages that go from one page to the next, shared by all pages.
#[derive(Debug, Clone, Copy)]
pub struct AuthContext {
    /// To be set by [`Self::set`] and [`Self::set_answered`] only.
    pub state: RwSignal<AuthState>,
    /// The last code sent; unknown after a reload.
    pub sent: RwSignal<Option<SentCode>>,
    /// Why nothing was sent to the phone; shown beside the other sign-in methods.
    pub not_sent: RwSignal<Option<String>>,
    /// Why the person has to log in again; shown once, on the page for logging in.
    pub notice: RwSignal<Option<String>>,
    /// Whether the server cannot be reached; known on pages that wait for the phone.
    pub offline: RwSignal<bool>,
    /// Whether this browser is to be remembered when the sign-in is complete.
    pub remember: RwSignal<bool>,
    /// Whether this page itself is ending the session or its pending state: no news of it is needed.
    pub ending: StoredValue<bool>,
    /// How many states have been set: an answer to a question from before the last of them is older.
    count: StoredValue<u32>,
}

/// How many states had been set when the server was asked.
#[derive(Debug, Clone, Copy)]
pub struct Moment(u32);

impl AuthContext {
    pub fn provide(state: AuthState) {
        let auth = Self {
            state: RwSignal::new(state),
            sent: RwSignal::new(None),
            not_sent: RwSignal::new(None),
            notice: RwSignal::new(None),
            offline: RwSignal::new(false),
            remember: RwSignal::new(false),
            ending: StoredValue::new(false),
            count: StoredValue::new(0),
        };
        provide_context(auth);
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// How codes may be sent here, in the order in which they are offered. Where nobody is known yet, as texts and calls.
    pub fn code_channels(self) -> Vec<Via> {
        self.state.with_untracked(|state| match state {
            AuthState::Pending(status) => {
                let channel = |way: &Way| Via::ALL.into_iter().find(|via| Way::from(*via) == *way);
                status.ways.iter().filter_map(channel).collect()
            }
            AuthState::SignedIn(user) => user.code_channels.clone(),
            AuthState::Anonymous | AuthState::Failed(_) => vec![Via::Sms, Via::Call],
        })
    }

    /// Loads the state from the server.
    pub async fn refresh(self) {
        let asked = self.moment();
        let state = AuthState::load().await;
        // An equal state is not set: the page would be rendered again.
        if self.state.with_untracked(|known| *known != state) {
            self.set_answered(state, asked);
        }
    }

    /// Asks the server for the state after a sign-in that was completed when its page had been left already.
    pub async fn refresh_after_leaving(self) {
        self.ending.set_value(false);
        self.refresh().await;
    }

    /// To be called before the server is asked for the state.
    pub fn moment(self) -> Moment {
        Moment(self.count.get_value())
    }

    /// Sets what the server answered, except for what was overtaken meanwhile: by the event stream, by completing the
    /// sign-in, or by logging out.
    pub fn set_answered(self, state: AuthState, asked: Moment) {
        use AuthState::{Anonymous, Failed, Pending, SignedIn};
        let is_overtaken = self.count.get_value() != asked.0;
        let is_older = self.state.with_untracked(|known| match known {
            Pending(_) => matches!(state, Pending(_) | Failed(_)),
            SignedIn(_) => matches!(state, Pending(_)),
            Anonymous => matches!(state, Pending(_) | SignedIn(_)),
            Failed(_) => false,
        });
        if !(is_overtaken && is_older) {
            self.set(state);
        }
    }

    /// Sets what is true now.
    pub fn set(self, state: AuthState) {
        self.count.update_value(|count| *count = count.wrapping_add(1));
        self.state.set(state);
    }

    pub fn spawn_refresh(self) {
        spawn_local(self.refresh());
    }

    /// Loads the state after a call was refused as if the session had ended, and says so on the page
    /// for logging in if it has.
    pub async fn refresh_after_end(self) {
        self.refresh().await;
        if self.state.with_untracked(|state| *state == AuthState::Anonymous) {
            let notice = "That sign-in took too long and has ended. Begin again.";
            self.notice.set(Some(notice.to_owned()));
        }
    }

    /// Ends the session at the server. The state changes only by [`Self::set_anonymous`].
    pub async fn log_out(self) -> Result<(), ApiFailure> {
        self.ending.set_value(true);
        match api::log_out().await {
            Err(failure) if failure.code() != ErrorCode::NotSignedIn => {
                self.ending.set_value(false);
                Err(failure)
            }
            _ => Ok(()),
        }
    }

    pub fn set_anonymous(self) {
        self.sent.set(None);
        self.not_sent.set(None);
        self.remember.set(false);
        self.ending.set_value(false);
        self.set(AuthState::Anonymous);
    }
}

impl AuthState {
    /// Asks the server.
    pub async fn load() -> Self {
        match api::user().await {
            Ok(user) => Self::SignedIn(user),
            Err(failure) if failure.code() == ErrorCode::NotSignedIn => Self::Anonymous,
            Err(failure) if failure.code() == ErrorCode::SecondFactorRequired => match api::status().await {
                Ok(status) => Self::Pending(status),
                Err(failure) if failure.code() == ErrorCode::NoSession => Self::Anonymous,
                Err(failure) => Self::Failed(failure),
            },
            Err(failure) => Self::Failed(failure),
        }
    }
}

/// The access a page requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No session.
    Anonymous,
    /// A pending session.
    Pending,
    /// A pending session that may choose its sign-in method. Other states are redirected as
    /// `POST /api/loggedIn` says.
    ChooseMethod,
    /// A signed-in session.
    SignedIn,
    /// A signed-in session of an account whose phone is verified.
    VerifiedPhone,
    /// A signed-in session of an account whose phone is not verified, or no session.
    UnverifiedPhone,
}

/// The page that `POST /api/loggedIn` names for a state.
fn default_page(state: &AuthState) -> &'static str {
    match state {
        AuthState::Failed(_) | AuthState::Anonymous => page::LOG_IN,
        AuthState::Pending(_) => page::METHODS,
        AuthState::SignedIn(user) if user.verified => page::PROTECTED,
        AuthState::SignedIn(_) => page::VERIFICATION,
    }
}

/// The page to redirect to; `None` when the state has the required access, or is not known.
pub fn redirect(auth: AuthContext, state: &AuthState, access: Access) -> Option<&'static str> {
    match (access, state) {
        (_, AuthState::Failed(_))
        | (Access::Anonymous | Access::UnverifiedPhone, AuthState::Anonymous)
        | (Access::Pending | Access::ChooseMethod, AuthState::Pending(_))
        | (Access::SignedIn, AuthState::SignedIn(_)) => None,
        (Access::VerifiedPhone, AuthState::SignedIn(user)) if user.verified => None,
        (Access::UnverifiedPhone, AuthState::SignedIn(user)) if !user.verified => None,
        (Access::ChooseMethod | Access::VerifiedPhone | Access::UnverifiedPhone, state) => {
            Some(default_page(state))
        }
        (_, AuthState::Anonymous) => Some(page::LOG_IN),
        (_, AuthState::SignedIn(_)) => Some(page::ACCOUNT),
        (_, AuthState::Pending(status)) if status.status != PushStatus::Unverified => Some(page::APPROVE),
        (_, AuthState::Pending(_)) if auth.not_sent.with_untracked(Option::is_some) => Some(page::METHODS),
        (_, AuthState::Pending(_)) => Some(page::CODE),
    }
}
