//! The results: a table on the screen, a file of JSON, and a plot.

use std::{borrow::Cow, fmt::Write as _, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::Result;

/// Whether more or less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aim {
    AtLeast,
    AtMost,
}

/// One measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: Cow<'static, str>,
    /// What it is compared with, measured in the same run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) yardstick: Option<Yardstick>,
    pub(crate) aim: Aim,
    /// Of the ratio to the yardstick; without one, of the value.
    pub(crate) target: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Yardstick {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: f64,
}

impl Row {
    /// What the target is about.
    fn measured(&self) -> f64 {
        self.yardstick.as_ref().map_or(self.value, |yardstick| self.value / yardstick.value)
    }

    fn is_met(&self) -> bool {
        match self.aim {
            Aim::AtLeast => self.measured() >= self.target,
            Aim::AtMost => self.measured() <= self.target,
        }
    }
}

/// All measurements of one run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) cores: usize,
    pub(crate) rows: Vec<Row>,
    /// Each call in a large database beside a small one.
    pub(crate) growth: Vec<Row>,
}

impl Report {
    /// Adds a measurement and prints it.
    pub(crate) fn add(&mut self, row: Row) {
        println!("  {}", line(&row));
        self.rows.push(row);
    }

    /// Adds how calls do in a large database, and as rows of their own the worst of them.
    pub(crate) fn add_growth(&mut self, calls: Vec<Row>, database: &str) {
        for (kind, target) in [("reads", 1.2), ("writes", 1.5)] {
            let of_kind = calls.iter().filter(|row| (row.target - target).abs() < f64::EPSILON);
            let worst = of_kind.max_by(|one, other| one.measured().total_cmp(&other.measured()));
            if let Some(worst) = worst {
                let name =
                    format!("{kind}, a million users beside a thousand, the slowest to grow, {database}");
                self.add(Row { name, ..worst.clone() });
            }
        }
        self.growth.extend(calls);
    }

    /// Writes `bench.json`, `bench.svg` and `bench.md`.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("bench.json"), serde_json::to_string_pretty(self)? + "\n")?;
        fs::write(folder.join("bench.svg"), self.plot()?)?;
        fs::write(folder.join("bench.md"), self.table()?)?;
        Ok(())
    }

    fn table(&self) -> Result<String> {
        table(&self.rows)
    }

    /// A bar for each row: how much of its target it reaches, up to three times.
    pub(crate) fn plot(&self) -> Result<String> {
        const LEFT: f64 = 400.0;
        const UNIT: f64 = 110.0;
        const LINE: f64 = 26.0;
        let height = LINE * (self.rows.len() as f64 + 2.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
             <style>text {{ fill: #24292f }} .met {{ fill: #2da44e }} .missed {{ fill: #bf8700 }}\n\
             @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} }}</style>\n"
        );
        for (at, row) in self.rows.iter().enumerate() {
            let reached = match row.aim {
                Aim::AtLeast => row.measured() / row.target,
                Aim::AtMost => row.target / row.measured().max(f64::MIN_POSITIVE),
            };
            let (y, class) = (LINE * (at as f64 + 1.0), if row.is_met() { "met" } else { "missed" });
            let name = row.name.replace('&', "&amp;").replace('<', "&lt;");
            writeln!(svg, "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{name}</text>", LEFT - 10.0)?;
            let width = UNIT * reached.min(3.0);
            writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"14\"/>",
                y - 12.0
            )?;
        }
        let end = height - LINE;
        writeln!(
            svg,
            "<line x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"{end}\" stroke=\"#888\" stroke-dasharray=\"4\"/>",
            LEFT + UNIT
        )?;
        writeln!(svg, "<text x=\"{}\" y=\"{}\">the target</text></svg>", LEFT + UNIT + 6.0, end + 8.0)?;
        Ok(svg)
    }
}

/// A figure that is to be at most so large.
pub(crate) fn plain(name: &str, value: f64, unit: &'static str, target: f64) -> Row {
    Row { name: name.to_owned(), value, unit: unit.into(), yardstick: None, aim: Aim::AtMost, target }
}

/// These rows as Markdown.
pub(crate) fn table(rows: &[Row]) -> Result<String> {
    let mut table =
        String::from("| what | measured | yardstick | ratio | target |\n| --- | --- | --- | --- | --- |\n");
    for row in rows {
        let yardstick = row.yardstick.as_ref();
        let beside = yardstick.map_or(String::new(), |with| format!("{}: {}", with.name, number(with.value)));
        let ratio = yardstick.map_or(String::new(), |_| number(row.measured()));
        let sign = if row.aim == Aim::AtLeast { "≥" } else { "≤" };
        let met = if row.is_met() { "" } else { ", missed" };
        let (value, target) = (number(row.value), number(row.target));
        writeln!(
            table,
            "| {} | {value} {} | {beside} | {ratio} | {sign} {target}{met} |",
            row.name, row.unit
        )?;
    }
    Ok(table)
}

fn line(row: &Row) -> String {
    let met = if row.is_met() { " " } else { "!" };
    let beside = row.yardstick.as_ref().map_or(String::new(), |with| {
        format!("   {} {}: {}", with.name, number(with.value), number(row.measured()))
    });
    format!("{met} {:<58} {:>9} {}{beside}", row.name, number(row.value), row.unit)
}

/// Three digits that count.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value >= 1000.0 => thousands(value),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.1 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

/// `1,234`.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            written.push(',');
        }
        written.push(digit);
    }
    written
}
