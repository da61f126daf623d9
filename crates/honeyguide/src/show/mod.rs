//! What people see on a terminal.

mod color;
mod printable;
mod story;
mod table;

pub use color::bold;
pub use printable::printable;
pub use story::story;
pub use table::table;

use model::Timestamp;

/// An instant to the second, as people write it.
pub fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(date), Some(clock)) => format!("{date} {clock}"),
        _ => text,
    }
}
