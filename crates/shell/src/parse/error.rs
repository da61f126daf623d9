//! Why a text is no command.

use super::Dialect;

/// Why a text is no command, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub kind: ErrorKind,
    /// The line it was noticed in.
    pub line: u32,
    /// The offset it was noticed at.
    pub at: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// This token is not allowed here; the second is what ash had hoped for.
    Unexpected(Vec<u8>, Option<&'static str>),
    /// The text ends inside a command; what ash had hoped for.
    End(Option<&'static str>),
    /// The text ends inside quotes or an expansion that this would have closed.
    Unterminated(&'static str),
    /// A message that has no pattern; bash's and the others'.
    Message(Vec<u8>, &'static str),
}

impl SyntaxError {
    pub fn too_deep(line: u32, at: usize) -> SyntaxError {
        SyntaxError { kind: ErrorKind::Message(b"memory exhausted".to_vec(), "Out of space"), line, at }
    }

    /// Whether more text could complete the command: time for the second prompt.
    pub fn incomplete(&self) -> bool {
        matches!(self.kind, ErrorKind::End(_) | ErrorKind::Unterminated(_))
    }

    /// Whether bash shows the line below the message.
    pub fn shows_line(&self) -> bool {
        matches!(self.kind, ErrorKind::Unexpected(..))
    }

    /// The message after the shell's name (and, in bash, the line).
    pub fn message(&self, dialect: Dialect) -> Vec<u8> {
        let (sentence, capital) = match dialect {
            Dialect::Dash => ("Syntax error: ", true),
            _ => ("syntax error: ", false),
        };
        let hoped = |expecting: &Option<&'static str>| expecting.map_or(String::new(), |what| format!(" (expecting \"{what}\")"));
        match (&self.kind, dialect) {
            (ErrorKind::Unexpected(token, _), Dialect::Bash) => [b"syntax error near unexpected token `", &token[..], b"'"].concat(),
            (ErrorKind::Unexpected(token, expecting), _) => {
                let named = match &token[..] {
                    b"newline" => b"newline".to_vec(),
                    word if is_plain(word) => b"word".to_vec(),
                    token => [b"\"", token, b"\""].concat(),
                };
                let expecting = hoped(expecting).into_bytes();
                match capital {
                    true => [sentence.as_bytes(), &named, b" unexpected", &expecting].concat(),
                    false => [sentence.as_bytes(), b"unexpected ", &named, &expecting].concat(),
                }
            }
            (ErrorKind::End(_), Dialect::Bash) => b"syntax error: unexpected end of file".to_vec(),
            (ErrorKind::End(expecting), Dialect::Ash) => format!("{sentence}unexpected end of file{}", hoped(expecting)).into_bytes(),
            (ErrorKind::End(expecting), Dialect::Dash) => format!("{sentence}end of file unexpected{}", hoped(expecting)).into_bytes(),
            (ErrorKind::Unterminated(mark), Dialect::Bash) => format!("unexpected EOF while looking for matching `{mark}'").into_bytes(),
            (ErrorKind::Unterminated("}"), _) => format!("{sentence}{}issing '}}'", if capital { 'M' } else { 'm' }).into_bytes(),
            (ErrorKind::Unterminated(")"), Dialect::Ash) => format!("{sentence}unexpected end of file (expecting \")\")").into_bytes(),
            (ErrorKind::Unterminated(")"), _) => format!("{sentence}end of file unexpected (expecting \")\")").into_bytes(),
            (ErrorKind::Unterminated("`"), _) => format!("{sentence}EOF in backquote substitution").into_bytes(),
            (ErrorKind::Unterminated(_), _) => {
                format!("{sentence}{}nterminated quoted string", if capital { 'U' } else { 'u' }).into_bytes()
            }
            (ErrorKind::Message(bash, _), Dialect::Bash) => bash.clone(),
            (ErrorKind::Message(_, other), Dialect::Dash) => format!("{sentence}{other}").into_bytes(),
            (ErrorKind::Message(_, other), Dialect::Ash) => {
                let mut chars = other.chars();
                let lower: String = chars.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect();
                format!("{sentence}{lower}").into_bytes()
            }
        }
    }
}

/// Whether ash calls a token a word rather than naming it.
fn is_plain(token: &[u8]) -> bool {
    const RESERVED: [&[u8]; 16] =
        [b"if", b"then", b"else", b"elif", b"fi", b"do", b"done", b"case", b"esac", b"while", b"until", b"for", b"{", b"}", b"!", b"in"];
    !RESERVED.contains(&token) && !token.iter().all(|b| b"|&;<>()".contains(b))
}
