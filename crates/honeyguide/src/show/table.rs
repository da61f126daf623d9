//! Tables without lines, as other Unix tools print them.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use std::io::IsTerminal;

/// A table with headings, as wide as it needs to be and the terminal allows.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    text(&laid_out(headings, rows, ContentArrangement::Dynamic))
}

/// The same, but `None` when standard output is a terminal in which not every row fits on one line.
pub fn table_that_fits(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Option<String> {
    let table = laid_out(headings, rows, ContentArrangement::Disabled);
    let text = text(&table);
    let room = std::io::stdout().is_terminal().then(|| table.width()).flatten();
    let needed = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    room.is_none_or(|room| needed <= room.into()).then_some(text)
}

fn laid_out(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>, arrangement: ContentArrangement) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(arrangement);
    table.set_header(headings.iter().map(|h| h.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn text(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
