//! `user import`: makes accounts with the hashes of another system, and reports what became of each row.

use std::{
    fmt,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    process::ExitCode,
};

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    arguments::Import,
    causes,
    operator::{Operator, failed},
    rows::{Row, Rows},
    terminal::{confirm, fail, say},
};
use crate::{
    domain::import::{ImportedAccount, Problems},
    services::{
        ServiceError,
        operations::{ImportOutcome, Importing},
    },
};

/// Rows of a transaction: whoever writes beside it waits so long.
const BATCH: usize = 100;
/// Rows between two lines about the progress.
const PROGRESS: u64 = 5000;

pub(super) async fn run(wish: Import) -> ExitCode {
    match import(&wish).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => fail("countersign: some rows were refused; correct them and run the command again"),
        Err(code) => code,
    }
}

/// Imports a file; answers how many rows were refused.
async fn import(wish: &Import) -> Result<u64, ExitCode> {
    let at_file = |problem: String| fail(&format!("countersign: {}: {problem}", wish.file.display()));
    let mut rows = Rows::open(&wish.file).map_err(at_file)?;
    let operator = Operator::open().await?;
    if !wish.dry_run {
        confirm(&format!("Import the accounts in {}?", wish.file.display()), wish.yes)?;
    }
    let mut report = Report::begin(wish)?;
    let mut importing = Importing::new(operator.context.clone(), wish.dry_run);
    let ended = import_all(&mut rows, &mut importing, &mut report).await;
    operator.close().await;
    say(&report.counts.to_string());
    report.end(ended.is_ok())?;
    match ended {
        Ok(()) => Ok(report.counts.refused),
        Err(Stop::Database(error)) => {
            failed(&error);
            Err(fail("countersign: stopped; run the command again"))
        }
        Err(Stop::File(error)) => {
            Err(fail(&format!("countersign: stopped: {}; run the command again", causes(&error))))
        }
    }
}

/// Why an import ended early.
enum Stop {
    Database(ServiceError),
    /// The file that is read, or the report.
    File(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

async fn import_all(rows: &mut Rows, importing: &mut Importing, report: &mut Report) -> Result<(), Stop> {
    let mut batch: Vec<(u64, ImportedAccount)> = Vec::with_capacity(BATCH);
    while let Some(Row { line, content }) = rows.next()? {
        match content.and_then(|row| importing.read(&row)) {
            Ok(account) => batch.push((line, account)),
            Err(problems) => report.refused(line, &problems)?,
        }
        if batch.len() == BATCH {
            store(&mut batch, importing, report).await?;
        }
    }
    store(&mut batch, importing, report).await
}

async fn store(
    batch: &mut Vec<(u64, ImportedAccount)>,
    importing: &mut Importing,
    report: &mut Report,
) -> Result<(), Stop> {
    if batch.is_empty() {
        return Ok(());
    }
    let (lines, accounts): (Vec<u64>, Vec<ImportedAccount>) = batch.drain(..).unzip();
    let began = Instant::now();
    let outcomes = importing.store(accounts).await.map_err(Stop::Database)?;
    let took = began.elapsed();
    for (line, outcome) in lines.into_iter().zip(outcomes) {
        match outcome {
            ImportOutcome::Imported => report.imported(),
            ImportOutcome::Already => report.already(),
            ImportOutcome::Taken(column) => {
                let problem = "Another account has this.".to_owned();
                report.refused(line, &Problems::from([(column, problem)]))?;
            }
        }
    }
    // Everybody else has the database for as long.
    sleep(took).await;
    Ok(())
}

/// Rows by what became of them: those that were read are the sum of the others.
struct Counts {
    dry_run: bool,
    imported: u64,
    already: u64,
    refused: u64,
}

impl Counts {
    fn read(&self) -> u64 {
        self.imported + self.already + self.refused
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (would, were) =
            if self.dry_run { ("would be imported", "would be refused") } else { ("imported", "refused") };
        writeln!(out, "{:>8} rows read", self.read())?;
        writeln!(out, "{:>8} {would}", self.imported)?;
        writeln!(out, "{:>8} imported before", self.already)?;
        write!(out, "{:>8} {were}", self.refused)
    }
}

/// What became of the rows: printed, and written to a file as it goes.
struct Report {
    counts: Counts,
    file: Option<BufWriter<File>>,
}

impl Report {
    fn begin(wish: &Import) -> Result<Self, ExitCode> {
        let counts = Counts { dry_run: wish.dry_run, imported: 0, already: 0, refused: 0 };
        let begin = |path: &Path| {
            if path
                .canonicalize()
                .is_ok_and(|report| wish.file.canonicalize().is_ok_and(|file| file == report))
            {
                return Err(io::Error::other("this is the file to import; choose another for the report"));
            }
            let mut file = BufWriter::new(File::create(path)?);
            write!(file, "{{\n  \"dryRun\": {},\n  \"refusals\": [", wish.dry_run)?;
            Ok(file)
        };
        let file = wish.report.as_deref().map(|path| {
            begin(path).map_err(|error: io::Error| fail(&format!("countersign: {}: {error}", path.display())))
        });
        Ok(Self { counts, file: file.transpose()? })
    }

    fn imported(&mut self) {
        self.counts.imported += 1;
        self.progress();
    }

    fn already(&mut self) {
        self.counts.already += 1;
        self.progress();
    }

    fn refused(&mut self, line: u64, problems: &Problems) -> io::Result<()> {
        for (column, problem) in problems {
            say(&format!("line {line}: {column}: {problem}"));
        }
        if let Some(file) = &mut self.file {
            let comma = if self.counts.refused == 0 { "" } else { "," };
            write!(file, "{comma}\n    {}", json!({"line": line, "problems": problems}))?;
        }
        self.counts.refused += 1;
        self.progress();
        Ok(())
    }

    fn progress(&self) {
        let Counts { imported, already, refused, .. } = self.counts;
        let read = self.counts.read();
        if read.is_multiple_of(PROGRESS) {
            say(&format!("{read} rows: {imported} imported, {already} imported before, {refused} refused"));
        }
    }

    /// Completes the file.
    fn end(&mut self, is_complete: bool) -> Result<(), ExitCode> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let Counts { imported, already, refused, .. } = self.counts;
        let ended = write!(
            file,
            "\n  ],\n  \"complete\": {is_complete},\n  \"read\": {},\n  \"imported\": {imported},\n  \
             \"already\": {already},\n  \"refused\": {refused}\n}}\n",
            self.counts.read()
        );
        let ended = ended.and_then(|()| file.flush());
        ended.map_err(|error| fail(&format!("countersign: the report: {error}")))
    }
}
