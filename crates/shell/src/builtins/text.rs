//! `echo`.

use crate::escape::{Escapes, unescape};
use crate::interp::{Ran, Shell};
use crate::parse::Dialect;

/// `echo`: bash's and BusyBox's take `-neE`; Debian's dash takes `-n` and always reads escapes.
pub(super) async fn echo(shell: &mut Shell, args: Vec<Vec<u8>>) -> Ran {
    let dash = shell.dialect == Dialect::Dash;
    let out = render(args.get(1..).unwrap_or_default(), dash, dash || shell.options.shopt("xpg_echo") == Some(true));
    match shell.process.write(1, &out).await {
        Ok(()) => Ok(0),
        Err(crate::Errno::Epipe) => Err(crate::interp::Flow::Stop(crate::Stop::Signal(crate::signal::PIPE))),
        Err(errno) => {
            shell.refuse("echo", format!("write error: {errno}"), format!("write error: {errno}"), format!("I/O error: {errno}"), 1).await
        }
    }
}

/// What `echo` prints of its operands. `only_n`: no other option is known; `escapes`: they are read without `-e`.
pub(crate) fn render(operands: &[Vec<u8>], only_n: bool, escapes: bool) -> Vec<u8> {
    let (mut newline, mut escapes) = (true, escapes);
    let mut rest = operands;
    while let Some((option, after)) = rest.split_first() {
        let letters = option.strip_prefix(b"-").unwrap_or_default();
        let known: &[u8] = if only_n { b"n" } else { b"neE" };
        if letters.is_empty() || !letters.iter().all(|b| known.contains(b)) || (only_n && !newline) {
            break;
        }
        for letter in letters {
            match letter {
                b'n' => newline = false,
                b'e' => escapes = true,
                _ => escapes = false,
            }
        }
        rest = after;
    }
    let mut text = rest.join(&b' ');
    if escapes {
        let (replaced, ended) = unescape(&text, Escapes::Echo);
        text = replaced;
        newline &= !ended;
    }
    if newline {
        text.push(b'\n');
    }
    text
}
