//! Which characters KDL gives a meaning.

/// Whether a byte below 128 may stand in a bare word.
const fn bare_ascii(byte: u8) -> bool {
    byte > b' '
        && byte < 0x7F
        && !matches!(byte, b'\\' | b'/' | b'(' | b')' | b'{' | b'}' | b'[' | b']' | b';' | b'"' | b'#' | b'=')
}

/// Bytes of bare words; bytes from 128 up are decided by their character.
static BARE: [bool; 128] = {
    let mut table = [false; 128];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = bare_ascii(byte as u8);
        byte += 1;
    }
    table
};

/// The end of the bare word that begins at `start`; `start` where there is none.
pub(super) fn bare_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        if *byte < 128 {
            if !BARE[*byte as usize] {
                break;
            }
            at += 1;
        } else {
            match text[at..].chars().next() {
                Some(char) if !is_space(char) => at += char.len_utf8(),
                _ => break,
            }
        }
    }
    at
}

/// Whether a character separates words of one line.
pub(super) fn is_space(char: char) -> bool {
    matches!(char, '\t' | ' ' | '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}')
}

/// Why a character may not stand in a text, or nothing where it may.
///
/// KDL forbids control and direction characters. Line breaks that editors do not show as such are legal
/// KDL, but what looks like the rest of a comment would be a setting, so they are refused too.
pub(super) fn refused(char: char) -> Option<&'static str> {
    match char {
        '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some("a line break that editors do not show"),
        '\t' | '\n' | '\r' => None,
        '\0'..='\u{1F}' | '\u{7F}' => Some("a control character"),
        '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
            Some("a character that changes the direction of the text")
        }
        '\u{FEFF}' => Some("a byte order mark, which may only stand first"),
        _ => None,
    }
}

/// The first refused character from `start` on.
pub(super) fn find_refused(text: &str, start: usize) -> Option<(usize, char, &'static str)> {
    let bytes = text.as_bytes();
    let mut at = start;
    while at < bytes.len() {
        let byte = bytes[at];
        // The refused characters above 127 begin with one of three bytes.
        if byte >= b' ' && !matches!(byte, 0x7F | 0xC2 | 0xE2 | 0xEF) || matches!(byte, b'\n' | b'\t') {
            at += 1;
            continue;
        }
        let char = text[at..].chars().next()?;
        if char == '\r' && bytes.get(at + 1) != Some(&b'\n') {
            return Some((at, char, "a carriage return without a line feed"));
        }
        if let Some(why) = refused(char) {
            return Some((at, char, why));
        }
        at += char.len_utf8();
    }
    None
}
