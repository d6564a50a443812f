//! A text that was read, once more as a row of pieces: what a tree leaves out stands in them, too.
//!
//! In: a text that [`parse`](super::parse) accepted. Out: words, marks, comments and line ends, in order.
//! Never: what a piece means, or findings; of another text only this holds: every character is in a piece or a blank.
//! Invariant: pieces do not overlap, and between two of them stand only blanks.

use super::chars::{bare_end, is_space};

/// What a piece of a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// A bare word, a number, a keyword or a string with its quotes.
    Word,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `=`
    Equals,
    /// `{`
    BraceOpen,
    /// `}`
    BraceClose,
    /// `;`
    Semicolon,
    /// `/-`
    Slashdash,
    /// `\`, which goes on with a node on the next line.
    Continuation,
    /// `// …` up to the end of its line.
    LineComment,
    /// `/* … */`, with others in it.
    BlockComment,
    /// The end of a line.
    LineEnd,
    /// The end of a line behind a `\`.
    ContinuedLineEnd,
}

/// A piece of a text, `start..end` in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Token {
    /// The piece as written.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.end]
    }

    /// Whether it is a comment.
    #[must_use]
    pub fn is_comment(&self) -> bool {
        matches!(self.kind, TokenKind::LineComment | TokenKind::BlockComment)
    }
}

/// The pieces of a text that was read without findings.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
    let mut continued = false;
    while let Some(char) = text[at..].chars().next() {
        if is_space(char) {
            at += char.len_utf8();
            continue;
        }
        let (mut kind, end) = token(text, at, char);
        match kind {
            TokenKind::LineEnd if continued => {
                kind = TokenKind::ContinuedLineEnd;
                continued = false;
            }
            TokenKind::Continuation => continued = true,
            TokenKind::LineComment | TokenKind::BlockComment => {}
            _ => continued = false,
        }
        tokens.push(Token { kind, start: at, end });
        at = end;
    }
    tokens
}

/// The piece that begins with `char` at `at`: its kind and its end, which lies behind `at`.
fn token(text: &str, at: usize, char: char) -> (TokenKind, usize) {
    let rest = &text[at..];
    let mark = |kind, length| (kind, at + length);
    match char {
        '\n' => mark(TokenKind::LineEnd, 1),
        '\r' if rest.starts_with("\r\n") => mark(TokenKind::LineEnd, 2),
        '(' => mark(TokenKind::Open, 1),
        ')' => mark(TokenKind::Close, 1),
        '=' => mark(TokenKind::Equals, 1),
        '{' => mark(TokenKind::BraceOpen, 1),
        '}' => mark(TokenKind::BraceClose, 1),
        ';' => mark(TokenKind::Semicolon, 1),
        '\\' => mark(TokenKind::Continuation, 1),
        '/' if rest.starts_with("/-") => mark(TokenKind::Slashdash, 2),
        '/' if rest.starts_with("//") => {
            let line = rest.split('\n').next().unwrap_or(rest);
            mark(TokenKind::LineComment, line.strip_suffix('\r').unwrap_or(line).len())
        }
        '/' if rest.starts_with("/*") => mark(TokenKind::BlockComment, block_comment(rest)),
        '"' => mark(TokenKind::Word, string(rest, 0)),
        '#' => {
            let hashes = rest.bytes().take_while(|byte| *byte == b'#').count();
            let is_string = rest[hashes..].starts_with('"');
            mark(TokenKind::Word, if is_string { string(rest, hashes) } else { bare_end(rest, hashes) })
        }
        _ => mark(TokenKind::Word, bare_end(rest, 0).max(char.len_utf8())),
    }
}

/// The length of the comment that a text begins with.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The length of the string that a text begins with, after so many `#`.
fn string(text: &str, hashes: usize) -> usize {
    let bytes = text.as_bytes();
    let quotes: &[u8] = if text[hashes..].starts_with("\"\"\"") { b"\"\"\"" } else { b"\"" };
    let closes = |at: usize| {
        let behind = bytes[at..].strip_prefix(quotes);
        behind.is_some_and(|behind| behind.len() >= hashes && behind[..hashes].iter().all(|byte| *byte == b'#'))
    };
    let mut at = hashes + quotes.len();
    while at < bytes.len() {
        match bytes[at] {
            b'"' if closes(at) => return at + quotes.len() + hashes,
            b'\\' if hashes == 0 => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tree_leaves_out_is_a_piece_of_its_own() {
        use TokenKind::*;
        let text = "\u{FEFF}(t)a /-b \"\"=#\"\\\"# \\ // c\r\n #true{/* /* */ */;}\n\"\"\"\n \\\"\"\"\n \"\"\" ##\"\"\"\n\"\"\"#\n\"\"\"##";
        let found: Vec<(TokenKind, &str)> = tokens(text).iter().map(|token| (token.kind, token.text(text))).collect();
        let expected = [
            (Open, "("),
            (Word, "t"),
            (Close, ")"),
            (Word, "a"),
            (Slashdash, "/-"),
            (Word, "b"),
            (Word, "\"\""),
            (Equals, "="),
            (Word, "#\"\\\"#"),
            (Continuation, "\\"),
            (LineComment, "// c"),
            (ContinuedLineEnd, "\r\n"),
            (Word, "#true"),
            (BraceOpen, "{"),
            (BlockComment, "/* /* */ */"),
            (Semicolon, ";"),
            (BraceClose, "}"),
            (LineEnd, "\n"),
            (Word, "\"\"\"\n \\\"\"\"\n \"\"\""),
            (Word, "##\"\"\"\n\"\"\"#\n\"\"\"##"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_kdl_is_taken_apart_without_a_panic() {
        for text in
            ["[", "]a", "/", "\"", "\"\\", "\"\"\"", "##\"", "/*", "/* /* */", "\r", "\\", "é\u{0}", "#", "\"é\\é"]
        {
            let last = tokens(text).last().map(|token| token.end);
            assert_eq!(last, Some(text.len()), "{text:?}");
        }
    }
}
