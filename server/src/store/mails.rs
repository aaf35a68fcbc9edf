//! E-mails that wait to be sent. They are stored with what they tell of, and removed when they were sent.

use diesel::prelude::*;

use super::{
    changes,
    db::Db,
    schema::mails::{self, dsl},
};
use crate::domain::{clock::Timestamp, ids::MailId};

/// An e-mail.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = mails)]
pub struct MailRow {
    /// Its id.
    pub id: MailId,
    /// Recipient, subject and body, encrypted.
    pub content: String,
    /// Since when it waits.
    pub created_at: Timestamp,
    /// When it is to be sent.
    pub due_at: Timestamp,
    /// How often that was tried.
    pub attempts: i32,
}

/// Stores an e-mail that is to be sent at once.
///
/// # Errors
/// When the statement fails.
pub fn insert(db: &mut Db, id: &MailId, content: &str, now: Timestamp) -> QueryResult<()> {
    let mail = (dsl::id.eq(id), dsl::content.eq(content), dsl::created_at.eq(now), dsl::due_at.eq(now));
    diesel::insert_into(mails::table).values(mail).execute(db)?;
    changes::note_mail();
    Ok(())
}

/// Those that are to be sent by now, the oldest first, at most so many.
///
/// # Errors
/// When the query fails.
pub fn due(db: &mut Db, now: Timestamp, most: i64) -> QueryResult<Vec<MailRow>> {
    let due = dsl::mails.filter(dsl::due_at.le(now)).order((dsl::due_at, dsl::id)).limit(most);
    due.select(MailRow::as_select()).load(db)
}

/// When the next one is to be sent.
///
/// # Errors
/// When the query fails.
pub fn next_due(db: &mut Db) -> QueryResult<Option<Timestamp>> {
    dsl::mails.order(dsl::due_at).select(dsl::due_at).limit(1).get_result(db).optional()
}

/// Takes one to send it; `false` where another server was faster. It is due again at `again_at`, unless it was sent.
///
/// # Errors
/// When the statement fails.
pub fn claim(db: &mut Db, mail: &MailRow, again_at: Timestamp) -> QueryResult<bool> {
    let unclaimed = dsl::mails.find(&mail.id).filter(dsl::attempts.eq(mail.attempts));
    let claimed = diesel::update(unclaimed)
        .set((dsl::attempts.eq(mail.attempts + 1), dsl::due_at.eq(again_at)))
        .execute(db)?;
    Ok(claimed == 1)
}

/// It was sent, or is given up.
///
/// # Errors
/// When the statement fails.
pub fn delete(db: &mut Db, id: &MailId) -> QueryResult<()> {
    diesel::delete(dsl::mails.find(id)).execute(db).map(drop)
}
