//! What people see on a terminal.

mod color;
mod printable;
mod story;
mod table;

pub use color::bold;
pub use printable::printable;
pub use story::story;
pub use table::{table, table_that_fits};

use model::Timestamp;
use std::io::{self, ErrorKind, Write};

/// An instant to the second, as people write it.
pub fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(date), Some(clock)) => format!("{date} {clock}"),
        _ => text,
    }
}

/// Prints to standard output. When nobody reads it any more (`honeyguide sessions | head`) the program ends quietly, as other tools do.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        result => result,
    }
}

/// A word of the API, as `very_high`, for people.
pub fn word(text: &str) -> String {
    printable(text.replace('_', " ").as_bytes())
}

/// A number of things: `1 login`, `2 logins`.
pub fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
