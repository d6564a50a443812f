//! Text from elsewhere, made safe to show.
//!
//! In: any text. Out: the same text with everything that a terminal or a reader could be fooled by spelt as `\u{…}`.
//! Never: where the text is shown.
//! Invariant: what comes out holds no control character (but line feed and tab), no bidirectional
//! control and no character without width.

use std::borrow::Cow;

/// Whether a character moves the cursor, turns the direction of text or takes no room.
///
/// Line feed and tab are not counted: callers that show one line look for them themselves.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    (character.is_control() && character != '\n' && character != '\t')
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with hidden characters as `\u{…}`; line feeds and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.contains(is_hidden) { Cow::Owned(escape(text, is_hidden)) } else { Cow::Borrowed(text) }
}

/// The text on one line: line feeds and tabs are spelt out, too.
#[must_use]
pub fn visible_line(text: &str) -> Cow<'_, str> {
    let unfit = |character: char| is_hidden(character) || character == '\n' || character == '\t';
    if text.contains(unfit) { Cow::Owned(escape(text, unfit)) } else { Cow::Borrowed(text) }
}

/// JSON text with hidden characters as `\uXXXX`, which is the same JSON: outside of its strings there are none.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_hidden(character) {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn escape(text: &str, unfit: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if unfit(character) {
            shown.push_str(&format!("\\u{{{:x}}}", character as u32));
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_are_spelt_out() {
        assert_eq!(visible("a\u{1b}[31mred\u{202e}x\u{200b}\u{feff}"), "a\\u{1b}[31mred\\u{202e}x\\u{200b}\\u{feff}");
        assert_eq!(visible("line\r\n\tnext"), "line\\u{d}\n\tnext");
        assert_eq!(visible_line("a\n\tb"), "a\\u{a}\\u{9}b");
    }

    #[test]
    fn json_stays_the_same_json() {
        let json = "[\"a\u{202e}\u{e0041}\"]";
        assert_eq!(visible_json(json), "[\"a\\u202e\\udb40\\udc41\"]");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("it is JSON");
        assert_eq!(read(json), read(&visible_json(json)));
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["", "größer → 日本", "a\nb\tc"] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        }
    }
}
