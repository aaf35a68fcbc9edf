//! Rows of a file of accounts: CSV, or a JSON object on each line.
//!
//! Each row is one line: no field may hold a line break. So a file is never read as a whole, and a broken row spoils no
//! other one.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

use crate::domain::import::{COLUMNS, ImportRow, Problems};

/// Bytes of a line. The fields of a row have a few hundred.
const LONGEST_LINE: u64 = 16 * 1024;
/// Where a problem is none of a column's.
const WHOLE_ROW: &str = "row";

/// A row, and the line it stands in.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) content: Result<ImportRow, Problems>,
}

/// Reads rows one after the other.
pub(super) struct Rows<R = BufReader<File>> {
    file: R,
    line: u64,
    format: Format,
}

enum Format {
    /// Its columns, in their order.
    Csv(Vec<String>),
    JsonLines,
}

impl Rows {
    /// Opens a file whose name ends in `.csv` or `.jsonl`.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let is_csv = extension.eq_ignore_ascii_case("csv");
        if !is_csv && !extension.eq_ignore_ascii_case("jsonl") {
            return Err("use a file whose name ends in .csv or .jsonl".to_owned());
        }
        let file = File::open(path).map_err(|error| format!("can't read the file: {error}"))?;
        Self::read(BufReader::new(file), is_csv)
    }
}

impl<R: BufRead> Rows<R> {
    fn read(file: R, is_csv: bool) -> Result<Self, String> {
        let mut rows = Self { file, line: 0, format: Format::JsonLines };
        if is_csv {
            let header = rows.next_line().map_err(|error| format!("can't read the file: {error}"))?;
            let header = header.ok_or("the file is empty; its first line names the columns")?;
            let columns =
                header.map_err(str::to_owned).and_then(|header| fields(&header).map_err(str::to_owned))?;
            rows.format = Format::Csv(known(&columns)?);
        }
        Ok(rows)
    }

    /// The next row that is not blank; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Row>> {
        let Some(text) = self.next_line()? else { return Ok(None) };
        let content = match (&text, &self.format) {
            (Err(problem), _) => Err(*problem),
            (Ok(text), Format::Csv(columns)) => from_csv(text, columns),
            (Ok(text), Format::JsonLines) => {
                return Ok(Some(Row { line: self.line, content: from_json(text) }));
            }
        };
        let content = content.map_err(|problem| Problems::from([(WHOLE_ROW, problem.to_owned())]));
        Ok(Some(Row { line: self.line, content }))
    }

    /// The next line that is not blank, without its end; or what is wrong with it.
    fn next_line(&mut self) -> io::Result<Option<Result<String, &'static str>>> {
        loop {
            let mut line = Vec::new();
            self.file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            if line.len() as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
                self.file.skip_until(b'\n')?;
                return Ok(Some(Err("The line is too long.")));
            }
            let Ok(text) = std::str::from_utf8(&line) else {
                return Ok(Some(Err("The line isn't UTF-8.")));
            };
            // Some programs begin a file with a byte order mark.
            let text = if self.line == 1 { text.trim_start_matches('\u{feff}') } else { text };
            if !text.trim().is_empty() {
                return Ok(Some(Ok(text.trim_end_matches(['\r', '\n']).to_owned())));
            }
        }
    }
}

/// The columns of a file, if each is known and there once.
fn known(columns: &StringRecord) -> Result<Vec<String>, String> {
    let columns: Vec<String> = columns.iter().map(|column| column.trim().to_lowercase()).collect();
    for (at, column) in columns.iter().enumerate() {
        if !COLUMNS.contains(&column.as_str()) {
            return Err(format!("unknown column {column:?}; use {}", COLUMNS.join(",")));
        }
        if columns[..at].contains(column) {
            return Err(format!("column {column:?} is there twice"));
        }
    }
    Ok(columns)
}

fn from_csv(line: &str, columns: &[String]) -> Result<ImportRow, &'static str> {
    let fields = fields(line)?;
    if fields.len() != columns.len() {
        return Err("The row has more or fewer fields than the first line.");
    }
    let mut row = ImportRow::default();
    for (column, field) in columns.iter().zip(&fields) {
        row.set(column, field);
    }
    Ok(row)
}

fn fields(line: &str) -> Result<StringRecord, &'static str> {
    if line.matches('"').count() % 2 == 1 {
        return Err("A quotation mark isn't closed in this line.");
    }
    let mut record = StringRecord::new();
    let mut reader =
        ReaderBuilder::new().has_headers(false).buffer_capacity(line.len()).from_reader(line.as_bytes());
    match reader.read_record(&mut record) {
        Ok(_) => Ok(record),
        Err(_) => Err("The row can't be read as CSV."),
    }
}

fn from_json(line: &str) -> Result<ImportRow, Problems> {
    let whole_row = |problem: String| Problems::from([(WHOLE_ROW, problem)]);
    let fields: Map<String, Value> =
        serde_json::from_str(line).map_err(|_| whole_row("The line isn't a JSON object.".to_owned()))?;
    let mut row = ImportRow::default();
    for (name, value) in fields {
        let text = match value {
            Value::String(text) => text,
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => {
                return Err(whole_row("A field is a list or an object.".to_owned()));
            }
        };
        if !row.set(&name, &text) {
            return Err(whole_row(format!("Unknown field {name:?}; use {}.", COLUMNS.join(", "))));
        }
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that can be read, and those that can't.
    fn lines(text: &[u8], is_csv: bool) -> (Vec<u64>, Vec<u64>) {
        let mut rows = Rows::read(text, is_csv).expect("a good header");
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().expect("a slice can be read") {
            if row.content.is_ok() { good.push(row.line) } else { bad.push(row.line) }
        }
        (good, bad)
    }

    #[test]
    fn a_broken_row_spoils_no_other_one() {
        let text = "\u{feff}Email,full_name\r\na@example.com,Ada\r\n\r\nb@example.com\n\"c@example.com,Ada\n\
                    d@example.com,\"Ada \"\"the\"\" L, Countess\"\ne@example.com,Ada,1\nf@example.com,Ada";
        assert_eq!(lines(text.as_bytes(), true), (vec![2, 6, 8], vec![4, 5, 7]));
        let long = format!("email\n{}\nb@example.com\n", "a".repeat(100_000));
        assert_eq!(lines(long.as_bytes(), true), (vec![3], vec![2]));
        assert_eq!(lines(b"email\n\xff\nb@example.com\n", true), (vec![3], vec![2]));
        let json = "{\"email\": \"a@example.com\", \"phone_verified\": true, \"username\": null}\n{\n[]\n\
                    {\"email\": {}}\n{\"mail\": \"\"}\n{}";
        assert_eq!(lines(json.as_bytes(), false), (vec![1, 6], vec![2, 3, 4, 5]));
    }

    #[test]
    fn columns_are_known_ones_and_there_once() {
        for header in ["", "full_name;email", "email,password", "email,EMAIL", "email,\"phone"] {
            assert!(Rows::read(header.as_bytes(), true).is_err(), "{header}");
        }
        assert!(Rows::open(Path::new("people.xlsx")).is_err_and(|problem| problem.contains(".csv")));
    }
}
