//! An import that is run again.

use std::{fmt::Write, process::Stdio};

use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};
use server::store::StoreError;

use super::{
    app,
    import::{Files, counts, old_hash},
};
use crate::{
    app::TestApp,
    migration::{command, person, sign_in},
};

async fn count(app: &TestApp, query: &'static str) -> u64 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = format!("SELECT COUNT(*) AS count FROM {query}");
    let store = app.store();
    let row = store.read(move |db| diesel::sql_query(query).get_result::<Row>(db).map_err(StoreError::from));
    u64::try_from(row.await.unwrap().count).unwrap()
}

fn rows(people: u32) -> String {
    let hash = old_hash();
    let mut rows = "full_name,email,password_hash,phone\n".to_owned();
    for number in 0..people {
        writeln!(rows, "Ada Lovelace,person{number}@example.com,{hash},+4477009{number:05}").unwrap();
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_killed_and_run_again_adds_up_while_people_sign_in() {
    const PEOPLE: u32 = 5000;
    let (app, files) = (app().await, Files::new());
    let file = files.write("people.csv", &rows(PEOPLE));
    for kill in 1..=3 {
        let mut command = command(&app, &["user", "import", &file, "--yes"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program runs");
        app.wait_until("the command has imported some", async || count(&app, "users").await >= kill * 300)
            .await;
        child.kill().expect("it runs still");
        child.wait().unwrap();
    }
    let before = count(&app, "users").await;
    assert!(before < u64::from(PEOPLE), "it was killed in the middle");
    // Their hashes are others from now on, and their rows are known all the same.
    for number in [0, 1, 150] {
        sign_in(&app, &person(&app, &format!("person{number}@example.com"), number)).await;
    }
    let (ok, report, told) = files.import(&app, &file, &["--yes"]).await;
    assert!(ok && counts(&report) == [u64::from(PEOPLE) - before, before, 0], "{told}");
    assert_eq!(count(&app, "users").await, u64::from(PEOPLE));
    assert_eq!(count(&app, "events WHERE act = 'account_imported'").await, u64::from(PEOPLE), "one each");
    let (ok, report, told) = files.import(&app, &file, &["--yes"]).await;
    assert!(ok && counts(&report) == [0, u64::from(PEOPLE), 0], "{told}");
    let (ok, report, told) = files.import(&app, &file, &["--dry-run"]).await;
    assert!(ok && counts(&report) == [0, u64::from(PEOPLE), 0], "{told}");
    let other = files.write("others.csv", &rows(3));
    let (ok, report, told) = files.import(&app, &other, &["--yes"]).await;
    assert!(!ok && counts(&report) == [0, 0, 3], "other hashes are other rows: {told}");
}
