//! The little emphasis there is: none when it goes into a file or when NO_COLOR is set.

use std::io::IsTerminal;

/// Bold on a terminal.
pub fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) {
        format!("\x1b[1m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
