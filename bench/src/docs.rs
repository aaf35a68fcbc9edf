//! Puts the figures of a run into the documents: each section between two comments is written anew.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    Result,
    report::{Report, Row, number, table, thousands},
};

/// Sign-ins in the busiest hour of a day, per account: everybody once a day, a tenth of them then.
const PER_ACCOUNT: f64 = 0.1 / 3600.0;
/// How long a stream is open for a sign-in.
const STREAM_SECONDS: f64 = 20.0;
/// Transactions of a sign-in.
const TRANSACTIONS: f64 = 6.0;

/// Copies the last run into `docs`, and writes what follows from it.
pub(crate) fn write(root: &Path) -> Result<()> {
    let (run, docs) = (root.join("target/bench"), root.join("docs"));
    // Of a run of some parts alone nothing is written.
    let documents = documents(&docs, &run.join("bench.json"))?;
    fs::copy(run.join("bench.json"), docs.join("bench.json"))?;
    fs::copy(run.join("bench.svg"), docs.join("images/bench.svg"))?;
    for (file, text) in documents {
        fs::write(docs.join(file), text)?;
    }
    Ok(())
}

/// The documents with the figures of this run.
fn documents(docs: &Path, run: &Path) -> Result<[(&'static str, String); 2]> {
    let report: Report = serde_json::from_str(&fs::read_to_string(run)?)?;
    let mut performance = fs::read_to_string(docs.join("PERFORMANCE.md"))?;
    replace(&mut performance, "table", &table(&report.rows)?)?;
    replace(&mut performance, "growth", &table(&report.growth)?)?;
    let mut scale = fs::read_to_string(docs.join("SCALE.md"))?;
    replace(&mut scale, "costs", &costs(&report)?)?;
    replace(&mut scale, "machines", &machines(&report)?)?;
    Ok([("PERFORMANCE.md", performance), ("SCALE.md", scale)])
}

/// Replaces what stands between `<!-- name -->` and `<!-- end of name -->`.
fn replace(text: &mut String, name: &str, section: &str) -> Result<()> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let from = text.find(&begin).ok_or_else(|| format!("no {begin}"))? + begin.len();
    let to = text.find(&end).filter(|to| *to >= from).ok_or_else(|| format!("no {end}"))?;
    text.replace_range(from..to, section);
    Ok(())
}

impl Report {
    /// The measurement whose name begins so.
    fn row(&self, name: &str) -> Result<&Row> {
        Ok(self
            .rows
            .iter()
            .find(|row| row.name.starts_with(name))
            .ok_or_else(|| format!("no row {name:?}"))?)
    }

    /// Seconds that one core is busy with a login.
    fn core_seconds(&self) -> Result<f64> {
        Ok(self.cores as f64 / self.row("logins, cost 12")?.value)
    }
}

fn costs(report: &Report) -> Result<String> {
    let cost = report.core_seconds()?;
    let logins = report.row("logins, cost 12")?.value;
    let webhooks = report.row("webhooks, each its own approval, PostgreSQL")?.value;
    let asked = report.row("polls of sessions nobody waits for, PostgreSQL")?.value;
    let held = report.row("status polls, 64 connections, PostgreSQL")?.value;
    let stream = report.row("memory per open stream")?.value;
    Ok(format!(
        "| what | measured | so a sign-in takes |\n| --- | --- | --- |\n\
         | password, `BCRYPT_COST=12` | {} logins/s on {} cores | {} ms of a core |\n\
         | webhook on PostgreSQL | {}/s, many at a time, on the same cores as the database | {} ms of all cores; more if it comes alone |\n\
         | status, asked from PostgreSQL | {}/s, many at a time | once or twice {} ms of all cores |\n\
         | status, held by the hub | {}/s | nothing to speak of |\n\
         | open stream | {} kB | {STREAM_SECONDS:.0} seconds of that |\n",
        number(logins),
        report.cores,
        number(cost * 1000.0),
        thousands(webhooks),
        number(1000.0 / webhooks),
        thousands(asked),
        number(1000.0 / asked),
        thousands(held),
        number(stream),
    ))
}

fn machines(report: &Report) -> Result<String> {
    const SIZES: [(&str, f64, f64); 3] =
        [("a thousand", 1e3, 4.0), ("a million", 1e6, 4.0), ("a hundred million", 1e8, 32.0)];
    let cost = report.core_seconds()?;
    let mut table = String::from(
        "| accounts | sign-ins per second then | cores for passwords | transactions per second | open streams | machines |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for (name, accounts, cores) in SIZES {
        let rate = accounts * PER_ACCOUNT;
        let busy = rate * cost;
        let machines = match (busy / cores).ceil() {
            one if one <= 1.0 => "one, with SQLite".to_owned(),
            few if few < 10.0 => format!("{few:.0} of {cores:.0} cores, one PostgreSQL beside them"),
            many => format!("{many:.0} of {cores:.0} cores, PostgreSQL spread by user"),
        };
        writeln!(
            table,
            "| {name} | {} | {} | {} | {} | {machines} |",
            number(rate),
            number(busy),
            number(rate * TRANSACTIONS),
            thousands((rate * STREAM_SECONDS).ceil()),
        )?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_the_documents_are_those_of_the_last_run() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("docs");
        for (file, text) in documents(&docs, &docs.join("bench.json")).expect("the documents") {
            let written = fs::read_to_string(docs.join(file)).expect("the document");
            assert_eq!(written, text, "run `cargo xtask bench docs` for {file}");
        }
    }

    #[test]
    fn figures_have_three_digits_that_count() {
        for (value, written) in
            [(0.004_56, "0.005"), (0.5, "0.50"), (12.34, "12.3"), (456.7, "457"), (1_234_567.0, "1,234,567")]
        {
            assert_eq!(number(value), written);
        }
    }
}
