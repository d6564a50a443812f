//! Pieces of a text, with blanks and line ends of our own between them.
//!
//! In: a text without mistakes. Out: the text laid out.
//! Never: a piece that is changed, moved or left out, but `;` and line ends.
//! Invariant: one pass over the pieces; what stands between two of them depends on them and on open braces alone.

use crate::syntax::{Token, TokenKind, tokens};

/// Blanks of one level.
const INDENT: &str = "    ";

/// Lays a text out.
pub(super) fn lay_out(text: &str) -> String {
    let tokens = tokens(text);
    let one_line = one_line_braces(&tokens);
    let mut layout = Layout {
        text,
        tokens: &tokens,
        out: String::with_capacity(text.len() + text.len() / 8),
        blocks: Vec::new(),
        level: 0,
        in_node: false,
        after_slashdash: false,
        fresh: true,
        leads_block: true,
        empty_line: false,
        break_due: false,
        stays_until: 0,
        semicolon_due: false,
        before: None,
    };
    for (at, token) in tokens.iter().enumerate() {
        layout.token(at, *token, one_line[at]);
    }
    if !layout.fresh {
        layout.out.push('\n');
    }
    layout.out
}

/// For each piece, whether it is a `{` whose block stands on one line.
fn one_line_braces(tokens: &[Token]) -> Vec<bool> {
    let mut one_line = vec![false; tokens.len()];
    let mut open: Vec<usize> = Vec::new();
    // How many of the open braces had a line end behind them: those below are broken already.
    let mut broken = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::BraceOpen => {
                open.push(at);
                one_line[at] = true;
            }
            TokenKind::BraceClose => {
                open.pop();
                broken = broken.min(open.len());
            }
            TokenKind::LineEnd => {
                for brace in &open[broken..] {
                    one_line[*brace] = false;
                }
                broken = open.len();
            }
            _ => {}
        }
    }
    one_line
}

struct Layout<'a> {
    text: &'a str,
    tokens: &'a [Token],
    out: String,
    /// The open blocks, each with whether it stands on one line.
    blocks: Vec<bool>,
    /// How many of them do not.
    level: usize,
    /// Whether a node has begun and not ended.
    in_node: bool,
    /// Whether nothing but comments and line ends came since a `/-`.
    after_slashdash: bool,
    /// Whether nothing stands on the current line.
    fresh: bool,
    /// Whether nothing came since the start of the block or the text.
    leads_block: bool,
    /// Whether an empty line comes before the next piece.
    empty_line: bool,
    /// Whether the line ends before the next piece, unless that is a comment at its end.
    break_due: bool,
    /// The first piece behind the comments that are known to stand at the end of their line.
    stays_until: usize,
    /// Whether a `;` comes before the next piece, unless that is a `}`.
    semicolon_due: bool,
    /// The piece before on the same line.
    before: Option<Token>,
}

impl Layout<'_> {
    fn token(&mut self, at: usize, token: Token, one_line: bool) {
        match token.kind {
            TokenKind::LineEnd if self.after_slashdash => self.end_line(false),
            TokenKind::LineEnd => {
                self.end_line(true);
                self.in_node = false;
            }
            TokenKind::ContinuedLineEnd => self.end_line(false),
            TokenKind::Semicolon => self.semicolon(token),
            TokenKind::BraceOpen => self.open(token, one_line),
            TokenKind::BraceClose => self.close(token),
            TokenKind::LineComment | TokenKind::BlockComment => self.comment(at, token),
            TokenKind::Continuation => self.push(token),
            TokenKind::Slashdash => {
                self.push(token);
                self.after_slashdash = true;
            }
            TokenKind::Word | TokenKind::Open | TokenKind::Close | TokenKind::Equals => {
                self.push(token);
                self.in_node = true;
                self.after_slashdash = false;
            }
        }
    }

    /// Ends the line; where it is empty already, an empty line is wanted, unless line ends mean nothing here.
    fn end_line(&mut self, counts: bool) {
        self.break_due = false;
        if self.fresh {
            self.empty_line |= counts;
        } else {
            self.out.push('\n');
            self.fresh = true;
        }
    }

    fn semicolon(&mut self, token: Token) {
        match self.blocks.last() {
            Some(true) if self.fresh => self.push(token),
            Some(true) => self.semicolon_due = true,
            // What follows `\` on the next line would become a part of the node that ends here.
            _ if self.fresh && self.in_node => self.empty_line = true,
            _ => self.break_due = true,
        }
        self.in_node = false;
    }

    fn open(&mut self, token: Token, one_line: bool) {
        self.push(token);
        self.after_slashdash = false;
        self.in_node = false;
        self.leads_block = true;
        self.blocks.push(one_line);
        if !one_line {
            self.level += 1;
            self.break_due = true;
        }
    }

    fn close(&mut self, token: Token) {
        let one_line = self.blocks.pop().unwrap_or(true);
        self.semicolon_due = false;
        if !one_line {
            self.level -= 1;
            self.end_line(false);
            // The `}` stands below the line that its node began with, also where that was continued.
            self.in_node = false;
        }
        self.empty_line = false;
        self.push(token);
        self.in_node = true;
    }

    fn comment(&mut self, at: usize, token: Token) {
        let leads_block = self.leads_block;
        let stays = self.break_due && self.ends_line(at);
        if stays {
            self.break_due = false;
        }
        self.push(token);
        if stays {
            // What follows begins the block as before, and on a line of its own.
            self.leads_block = leads_block;
            self.break_due = true;
        }
    }

    /// Whether nothing but comments follows on the line of a comment. A row of them is looked through once.
    fn ends_line(&mut self, at: usize) -> bool {
        if at < self.stays_until {
            return true;
        }
        let behind = self.tokens[at..].iter().take_while(|token| token.kind == TokenKind::BlockComment).count();
        let ends = self.tokens.get(at + behind).is_none_or(|token| {
            matches!(token.kind, TokenKind::LineComment | TokenKind::LineEnd | TokenKind::BraceClose)
        });
        if ends {
            self.stays_until = at + behind;
        }
        ends
    }

    /// Writes a piece with what comes before it.
    fn push(&mut self, token: Token) {
        if self.break_due {
            self.end_line(false);
        }
        if self.fresh {
            self.start_line();
        } else if self.semicolon_due {
            self.out.push_str("; ");
        } else if self.before.is_some_and(|before| self.is_spaced(before, token)) {
            self.out.push(' ');
        }
        self.semicolon_due = false;
        self.fresh = false;
        self.leads_block = false;
        self.empty_line = false;
        self.before = Some(token);
        push_lines(&mut self.out, token.text(self.text));
    }

    fn start_line(&mut self) {
        if self.empty_line && !self.leads_block {
            self.out.push('\n');
        }
        let level = self.level + usize::from(self.in_node);
        (0..level).for_each(|_| self.out.push_str(INDENT));
    }

    /// Whether a blank stands between two pieces of a line.
    fn is_spaced(&self, before: Token, token: Token) -> bool {
        use TokenKind::{BraceClose, BraceOpen, Close, Continuation, Equals, LineComment, Open, Slashdash};
        match (before.kind, token.kind) {
            (_, LineComment | Continuation) => true,
            (Open | Close | Equals, _) | (_, Close | Equals) | (BraceOpen, BraceClose) => false,
            // `/-node` and `/- node` are both in use.
            (Slashdash, _) => before.end < token.start,
            _ => true,
        }
    }
}

/// Adds a piece; its own line ends become `\n`.
fn push_lines(out: &mut String, text: &str) {
    for (number, line) in text.split("\r\n").enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(line);
    }
}
