//! The terminal: answers go to standard output, everything else to standard error.
//!
//! In: finished text. Out: bytes on the two streams.
//! Never: what the text says.
//! Invariant: a reader who goes away early (`| head`) is no error and changes no exit code.

use std::{
    borrow::Cow,
    cell::RefCell,
    io::{self, IsTerminal, Write},
};

use clap::ValueEnum;

use crate::visible::visible_json;

/// Who reads the answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Format {
    /// A person at a terminal.
    Human,
    /// A program: one JSON document on standard output.
    Json,
}

/// When colours are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a piece of text stands out, where colours are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub(super) enum Style {
    Bold,
    Red,
    Green,
    Cyan,
    Dim,
}

/// How answers are written; may be handed to threads, which the streams may not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Looks {
    /// Who reads the answers.
    pub format: Format,
    /// Whether answers are coloured.
    pub colour: bool,
}

/// The two streams.
#[derive(Debug)]
pub(super) struct Console {
    /// How answers are written.
    pub looks: Looks,
    colour_errors: bool,
    trouble: RefCell<Option<io::ErrorKind>>,
}

impl Console {
    /// The streams of this process.
    #[must_use]
    pub(super) fn new(format: Format, colour: Colour) -> Console {
        let wanted = |terminal: bool| match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        Console {
            looks: Looks { format, colour: format == Format::Human && wanted(io::stdout().is_terminal()) },
            colour_errors: wanted(io::stderr().is_terminal()),
            trouble: RefCell::new(None),
        }
    }

    /// Prints a part of the answer; the text brings its own line feeds.
    pub(super) fn answer(&self, text: &str) {
        if self.trouble.borrow().is_some() {
            return;
        }
        let text = if self.looks.format == Format::Json { visible_json(text) } else { Cow::Borrowed(text) };
        let mut stream = io::stdout().lock();
        if let Err(error) = stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
            *self.trouble.borrow_mut() = Some(error.kind());
        }
    }

    /// Prints one line that is no part of the answer.
    pub(super) fn remark(&self, line: &str) {
        // Nobody is left to tell where standard error cannot be written.
        _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Prints a mistake in what was asked, with what to type instead.
    pub(super) fn refuse(&self, message: &str, help: Option<&str>) {
        let error = paint(self.colour_errors, Style::Red, "error");
        self.remark(&format!("{error}: {message}"));
        if let Some(help) = help {
            self.remark(&format!("  {}: {help}", paint(self.colour_errors, Style::Bold, "help")));
        }
    }

    /// Whether a part of the answer was lost for another reason than that its reader went away.
    #[must_use]
    pub(super) fn lost(&self) -> bool {
        self.trouble.borrow().is_some_and(|kind| kind != io::ErrorKind::BrokenPipe)
    }
}

impl Looks {
    /// The text in a style, if answers are coloured.
    #[must_use]
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        paint(self.colour, style, text)
    }
}

fn paint(colour: bool, style: Style, text: &str) -> String {
    let code = match style {
        Style::Bold => "1",
        Style::Red => "31",
        Style::Green => "32",
        Style::Cyan => "36",
        Style::Dim => "2",
    };
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
