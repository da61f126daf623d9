//! The Telnet byte stream taken apart (RFC 854), one byte at a time so that any split of the input gives the same tokens.

/// Interpret as command.
pub const IAC: u8 = 255;
/// Asks the peer to stop using an option.
pub const DONT: u8 = 254;
/// Asks the peer to use an option.
pub const DO: u8 = 253;
/// Refuses to use an option.
pub const WONT: u8 = 252;
/// Offers or agrees to use an option.
pub const WILL: u8 = 251;
/// Begins a subnegotiation.
pub const SB: u8 = 250;
/// Erase line.
pub const EL: u8 = 248;
/// Erase character.
pub const EC: u8 = 247;
/// Are you there?
pub const AYT: u8 = 246;
/// Interrupt process.
pub const IP: u8 = 244;
/// Break.
pub const BREAK: u8 = 243;
/// Ends a subnegotiation.
pub const SE: u8 = 240;
/// End of file (RFC 1184).
pub const EOF: u8 = 236;

/// The longest subnegotiation kept. The longest useful ones are environments, and NETKIT's own buffer is 512 bytes.
pub const SUBNEGOTIATION_BYTES_MAX: usize = 512;

/// What the bytes mean.
#[derive(Debug, PartialEq, Eq)]
pub enum Token {
    /// A byte for the terminal.
    Data(u8),
    /// A command without operand.
    Command(u8),
    /// `WILL`, `WONT`, `DO` or `DONT` of an option.
    Option(u8, u8),
    /// A whole subnegotiation of an option.
    Subnegotiation(u8, Vec<u8>),
    /// A subnegotiation that went on beyond [`SUBNEGOTIATION_BYTES_MAX`]: what was kept of it.
    Overlong(u8, Vec<u8>),
    /// `IAC` and a byte that RFC 854 gives no meaning.
    Unknown(u8),
}

/// Where in a command the stream is.
#[derive(Debug, Default)]
pub enum Decoder {
    /// Between commands.
    #[default]
    Data,
    /// After `IAC`.
    Command,
    /// After `IAC` and one of the four verbs.
    Verb(u8),
    /// After `IAC SB`.
    Begin,
    /// Inside a subnegotiation; `escaped` after an `IAC` there.
    Inside {
        /// Which option.
        option: u8,
        /// Its bytes so far.
        data: Vec<u8>,
        /// Whether bytes were dropped.
        overlong: bool,
        /// Whether the last byte was `IAC`.
        escaped: bool,
    },
}

impl Decoder {
    /// Takes one byte; a token when it completes one.
    pub fn push(&mut self, byte: u8) -> Option<Token> {
        match self {
            Decoder::Data if byte == IAC => *self = Decoder::Command,
            Decoder::Data => return Some(Token::Data(byte)),
            Decoder::Command => {
                *self = match byte {
                    WILL | WONT | DO | DONT => Decoder::Verb(byte),
                    SB => Decoder::Begin,
                    _ => Decoder::Data,
                };
                return match byte {
                    WILL..=DONT | SB => None,
                    // RFC 854: "to send the data byte 255 … IAC is doubled".
                    IAC => Some(Token::Data(IAC)),
                    EOF..SB => Some(Token::Command(byte)),
                    _ => Some(Token::Unknown(byte)),
                };
            }
            Decoder::Verb(verb) => {
                let token = Token::Option(*verb, byte);
                *self = Decoder::Data;
                return Some(token);
            }
            Decoder::Begin => *self = Decoder::Inside { option: byte, data: Vec::new(), overlong: false, escaped: false },
            Decoder::Inside { option, data, overlong, escaped } => match (*escaped, byte) {
                (false, IAC) => *escaped = true,
                (true, SE) => {
                    let (option, data, overlong) = (*option, std::mem::take(data), *overlong);
                    *self = Decoder::Data;
                    return Some(if overlong { Token::Overlong(option, data) } else { Token::Subnegotiation(option, data) });
                }
                _ => {
                    *escaped = false;
                    match data.len() < SUBNEGOTIATION_BYTES_MAX {
                        true => data.push(byte),
                        false => *overlong = true,
                    }
                }
            },
        }
        None
    }
}

/// Doubles every `IAC` of what a terminal wrote (RFC 854).
pub fn escape(output: Vec<u8>) -> Vec<u8> {
    if memchr::memchr(IAC, &output).is_none() {
        return output;
    }
    let mut escaped = Vec::with_capacity(output.len() + 8);
    for byte in output {
        escaped.push(byte);
        if byte == IAC {
            escaped.push(IAC);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_taken_apart() {
        let mut decoder = Decoder::default();
        let bytes = b"a\xff\xff\xff\xfd\x1f\xff\xf1\xff\xfa\x1f\x00\xff\xff\xff\xf0\xff\x01z";
        let tokens: Vec<Token> = bytes.iter().filter_map(|&b| decoder.push(b)).collect();
        let expected = [
            Token::Data(b'a'),
            Token::Data(255),
            Token::Option(DO, 31),
            Token::Command(241),
            Token::Subnegotiation(31, vec![0, 255]),
            Token::Unknown(1),
            Token::Data(b'z'),
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn a_subnegotiation_that_never_ends_is_bounded() {
        let mut decoder = Decoder::default();
        let mut tokens: Vec<Token> = b"\xff\xfa\x18".iter().chain(&[b'x'; 5000]).filter_map(|&b| decoder.push(b)).collect();
        tokens.extend(b"\xff\xf0".iter().filter_map(|&b| decoder.push(b)));
        assert_eq!(tokens, [Token::Overlong(0x18, vec![b'x'; SUBNEGOTIATION_BYTES_MAX])]);
    }
}
