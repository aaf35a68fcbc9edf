//! The hub's rules, without a server.

use super::*;
use crate::{
    domain::{
        clock::Timestamp,
        phone::Phone,
        session::{Origin, State as SessionState},
    },
    store::status::StatusRow,
};

fn status_of(session: &SessionId) -> Arc<KnownStatus> {
    let number = shared::phone::PhoneNumber::from_e164("+447700900123").expect("a number");
    let row = StatusRow {
        session: session.clone(),
        state: SessionState::Pending,
        origin: Origin::Password,
        seen_at: Timestamp(0),
        expires_at: Timestamp(1),
        cookie_only: false,
        phone: Phone::new(number),
        last_method: None,
        factor: None,
        factor_at: None,
        is_phone_verified: true,
        enrolled_at: None,
        has_device: false,
        has_authenticator: false,
        has_recovery_code: false,
        uses_page: false,
        push: None,
    };
    Arc::new(KnownStatus::of(row, &[]))
}

fn change(session: &SessionId, number: i64) -> Change {
    Change { session: session.clone(), number: Some(number) }
}

#[test]
fn a_status_that_was_read_while_its_session_changed_is_not_held() {
    let (hub, token) = (Hub::new(1), TokenHash::from_text("t"));
    let (session, other) = (SessionId::from_text("s"), SessionId::from_text("o"));
    let began = hub.moment();
    hub.publish(&change(&other, 1));
    hub.hold(token.clone(), &status_of(&session), began);
    assert!(hub.held(&token).is_some(), "another session's change is none");
    hub.publish(&change(&session, 2));
    assert!(hub.held(&token).is_none());
    for overtake in [
        |hub: &Hub, session: &SessionId| hub.publish(&change(session, 3)),
        |hub: &Hub, _: &SessionId| hub.publish_all(),
    ] {
        let began = hub.moment();
        overtake(&hub, &session);
        hub.hold(token.clone(), &status_of(&session), began);
        assert!(hub.held(&token).is_none());
    }
    let began = hub.moment();
    for number in 0..=REMEMBERED {
        hub.publish(&change(&other, 10 + i64::try_from(number).expect("small")));
    }
    hub.hold(token.clone(), &status_of(&session), began);
    assert!(hub.held(&token).is_none(), "more has changed meanwhile than is remembered");
}

#[test]
fn the_long_polls_of_one_session_leave_places_to_others() {
    let hub = Arc::new(Hub::new(1000));
    let (session, other) = (SessionId::from_text("s"), SessionId::from_text("o"));
    let places: Vec<Watch> =
        (0..MOST_POLLS).map(|_| hub.watch(&session, Waiting::Once).expect("a place")).collect();
    let refused = hub.watch(&session, Waiting::Once).expect_err("one too many");
    assert!(matches!(refused, Refusal::TooManyWaiting { .. }));
    hub.watch(&session, Waiting::Stream).expect("streams are counted apart");
    hub.watch(&other, Waiting::Once).expect("others have places");
    drop(places);
    hub.watch(&session, Waiting::Once).expect("the places are free again");
    assert!(hub.is_idle());
}
