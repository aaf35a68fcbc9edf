//! Importing accounts with the hashes of another system.

use std::path::PathBuf;

use serde_json::{Value, json};
use shared::routes;
use tempfile::TempDir;

use super::{app, done, events, run, user};
use crate::{
    app::{PASSWORD, TestApp},
    migration::{enrolment, person, sign_in},
};

const HEADER: &str =
    "full_name,email,username,password_hash,country_code,phone,phone_verified,email_verified,created_at";

/// A hash as PHP makes it.
pub fn old_hash() -> String {
    bcrypt::hash(PASSWORD, 4).unwrap().replacen("$2b$", "$2y$", 1)
}

/// A file in a folder of its own.
pub struct Files {
    pub folder: TempDir,
}

impl Files {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn write(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Imports a file. Returns whether all rows were accepted, the report, and what was printed.
    pub async fn import(&self, app: &TestApp, file: &str, more: &[&str]) -> (bool, Value, String) {
        let report = self.path("report.json");
        let words = [&["user", "import", file, "--report", report.to_str().unwrap()], more].concat();
        let (ok, told) = run(app, &words).await;
        let report = std::fs::read_to_string(&report).unwrap_or_else(|_| panic!("a report: {told}"));
        let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("JSON: {report}"));
        let count = |name: &str| report[name].as_u64().unwrap();
        assert_eq!(count("read"), count("imported") + count("already") + count("refused"), "{report}");
        assert_eq!(report["refusals"].as_array().unwrap().len() as u64, count("refused"), "{report}");
        (ok, report, told)
    }
}

/// Rows that were imported, were there before, and were refused.
pub fn counts(report: &Value) -> [u64; 3] {
    ["imported", "already", "refused"].map(|name| report[name].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_people_sign_in_with_their_old_password_and_are_hashed_again() {
    let (app, files) = (app().await, Files::new());
    let hash = old_hash();
    let rows = format!(
        "{HEADER}\n\
         Ada Lovelace,person0@example.com,ada,{hash},44,7700900000,yes,yes,2020-03-02\n\
         \"Hopper, Grace\",person1@example.com,,{hash},,+447700900001,no,no,\n"
    );
    let file = files.write("people.csv", &rows);
    let (ok, report, told) = files.import(&app, &file, &["--yes"]).await;
    assert!(ok && counts(&report) == [2, 0, 0], "{told}");
    assert!(told.contains("2 rows read") && told.contains("2 imported"), "{told}");
    let found = done(&app, &["user", "find", "ada"]).await;
    for part in [
        "person0@example.com (verified)",
        "+44 7700 900000 (verified)",
        "created         2020-03-02T00:00:00Z",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
    let stored = user(&app, "person1@example.com").await.expect("the account");
    assert_eq!((stored.password_hash.as_str(), stored.full_name.as_str()), (hash.as_str(), "Hopper, Grace"));
    assert_eq!(
        (stored.is_phone_verified(), stored.unverified_since),
        (false, None),
        "nobody removes it for that"
    );
    assert_eq!(events(&app, "person1@example.com").await, ["account_imported success"]);
    for (number, email) in ["person0@example.com", "person1@example.com"].into_iter().enumerate() {
        let person = person(&app, email, u32::try_from(number).unwrap());
        app.client()
            .post(routes::SESSION, json!({"email": email, "password": "another one"}))
            .await
            .refused(403, "wrong_credentials");
        sign_in(&app, &person).await;
        assert!(enrolment(&app, &person).await.starts_with("authy "), "enrolled when it was first used");
        let rehashed = user(&app, email).await.expect("the account").password_hash;
        assert!(rehashed.starts_with("hs256n."), "{rehashed}");
        sign_in(&app, &person).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_json_are_imported_like_rows() {
    let (app, files) = (app().await, Files::new());
    let person = |number: u32| {
        json!({
            "full_name": "Ada Lovelace", "email": format!("person{number}@example.com"), "username": null,
            "password_hash": old_hash(), "phone": format!("+4477009{number:05}"), "phone_verified": true,
        })
    };
    let mut unknown = person(2);
    unknown["password"] = json!(PASSWORD);
    let file = files.write("people.jsonl", &format!("{}\n\n{}\n{unknown}\n[1]\n", person(0), person(1)));
    let (ok, report, told) = files.import(&app, &file, &["--yes"]).await;
    assert!(!ok && counts(&report) == [2, 0, 2], "{told}");
    assert_eq!((&report["refusals"][0]["line"], &report["refusals"][1]["line"]), (&json!(4), &json!(5)));
    assert!(!told.contains(PASSWORD), "{told}");
    sign_in(&app, &crate::migration::person(&app, "person1@example.com", 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_never_written_over_the_file_that_is_imported() {
    let (app, files) = (app().await, Files::new());
    let rows = format!("{HEADER}\n");
    let report = files.write("people.csv", &rows);
    let file = files.path(".").join("people.csv").display().to_string();
    let (ok, told) = run(&app, &["user", "import", &file, "--yes", "--report", &report]).await;
    assert!(!ok && told.contains("choose another for the report"), "{told}");
    assert_eq!(std::fs::read_to_string(&report).unwrap(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_wrong_is_named_by_its_line_and_the_others_are_imported() {
    let (app, files) = (app().await, Files::new());
    let ada = app.register().await;
    let hash = old_hash();
    let row = |name: &str, email: &str, hash: &str, phone: &str| format!("{name},{email},{hash},{phone}\n");
    let rows = [
        "full_name,email,password_hash,phone\n".to_owned(),
        row("Ada", &ada.email, &hash, "+447700900010"),
        row("", "two@example.com", &hash, "+447700900011"),
        row("Ada", "three@example", &hash, "+447700900012"),
        row("Ada", "four@example.com", "5f4dcc3b5aa765d61d8327deb882cf99", "+447700900013"),
        row("Ada", "five@example.com", &hash, "12"),
        "Ada,six@example.com\n".to_owned(),
        row("Ada", "seven@example.com", &hash, "+447700900014"),
        row("Ada", "SEVEN@example.com", &hash, "+447700900014"),
        row("Ada", "seven@example.com", &old_hash(), "+447700900014"),
    ];
    let file = files.write("people.csv", &rows.concat());
    let rehearsed = files.import(&app, &file, &["--dry-run"]).await;
    assert!(user(&app, "seven@example.com").await.is_none(), "a rehearsal stores nothing");
    let (ok, report, told) = files.import(&app, &file, &["--yes"]).await;
    assert!(!ok && counts(&report) == [1, 1, 7], "{told}");
    assert_eq!(counts(&rehearsed.1), counts(&report), "{}", rehearsed.2);
    let refused: Vec<(u64, &String)> = report["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refusal| {
            let column = refusal["problems"].as_object().unwrap().keys().next().unwrap();
            (refusal["line"].as_u64().unwrap(), column)
        })
        .collect();
    let mut refused: Vec<String> = refused.iter().map(|(line, column)| format!("{line} {column}")).collect();
    refused.sort();
    let wanted = ["10 email", "2 email", "3 full_name", "4 email", "5 password_hash", "6 phone", "7 row"];
    assert_eq!(refused, wanted, "{told}");
    assert!(told.contains("line 5: password_hash: "), "{told}");
    assert!(told.contains("line 2: email: Another account has this."), "{told}");
    assert!(!told.contains("5f4dcc3b"), "hashes are not printed: {told}");
    assert_eq!(user(&app, &ada.email).await.unwrap().full_name, "Ada Lovelace", "nobody is overwritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_is_refused_before_anything_is_stored() {
    let (app, files) = (app().await, Files::new());
    for (name, content, problem) in [
        ("people.xlsx", "", "a file whose name ends in .csv or .jsonl"),
        ("people.csv", "full_name;email\n", "unknown column"),
        ("empty.csv", "", "the file is empty"),
    ] {
        let file = files.write(name, content);
        let (ok, told) = run(&app, &["user", "import", &file, "--yes"]).await;
        assert!(!ok && told.contains(problem), "{told}");
    }
    let (ok, told) = run(&app, &["user", "import", "/nowhere/people.csv", "--yes"]).await;
    assert!(!ok && told.contains("can't read the file"), "{told}");
}
