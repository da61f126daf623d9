//! What was measured, as a table people can paste.

use std::fmt;

/// Rows in the order measured.
#[derive(Default)]
pub struct Report {
    rows: Vec<[String; 4]>,
}

impl Report {
    /// Adds a figure. `limit` is what it is held against: a peer or the machine, measured in the same run.
    pub fn row(&mut self, what: &str, figure: impl fmt::Display, limit: impl fmt::Display, goal: &str) {
        let row = [what.to_owned(), figure.to_string(), limit.to_string(), goal.to_owned()];
        eprintln!("  {} = {} ({})", row[0], row[1], row[2]);
        self.rows.push(row);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | beside it, same run | goal |\n|---|---|---|---|")?;
        for [what, figure, limit, goal] in &self.rows {
            writeln!(f, "| {what} | {figure} | {limit} | {goal} |")?;
        }
        Ok(())
    }
}
