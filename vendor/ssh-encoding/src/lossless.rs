//! Strings of any bytes in a Rust string, and back.
//!
//! Valid UTF-8 is itself. A byte that is not part of it becomes the character U+10FF00 plus the byte, from a block at the very end of the
//! private use planes. So that the way back is certain, a character of that block, sent as such, has each of its four bytes changed too.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

const FIRST: u32 = 0x0010_FF00;
const LAST: u32 = 0x0010_FFFF;

/// The string that stands for `bytes`.
#[must_use]
pub fn text(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        // Only what begins with F4 8F BC or later can be of the block.
        Ok(text) if !text.as_bytes().contains(&0xF4) => text,
        Ok(text) => changed(text.as_bytes()),
        Err(error) => changed(error.as_bytes()),
    }
}

/// What goes out for `text`: what came in for it.
pub(crate) fn wire(text: &str) -> Cow<'_, [u8]> {
    if text.as_bytes().contains(&0xF4) { Cow::Owned(bytes(text)) } else { Cow::Borrowed(text.as_bytes()) }
}

/// The bytes that `text` stands for.
#[must_use]
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u32::from(character).checked_sub(FIRST).map(u8::try_from) {
            Some(Ok(byte)) => bytes.push(byte),
            _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

fn changed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let stand_in = |byte: u8| char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if (FIRST..=LAST).contains(&u32::from(character)) {
                text.extend(character.encode_utf8(&mut [0; 4]).bytes().map(stand_in));
            } else {
                text.push(character);
            }
        }
        text.extend(chunk.invalid().iter().copied().map(stand_in));
    }
    text
}
