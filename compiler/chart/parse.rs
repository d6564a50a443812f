//! The words of a template into what it does.
//!
//! In: one text. Out: its [`Item`]s, its named templates, and what cannot be read.
//! Never: what a function does.
//! Invariant: a missing or surplus `end` is reported once, and the rest is read as if it were there.

use std::ops::Range;

use super::lex::{self, Piece, Token, Word, Wrong};

/// How deep blocks and brackets may be nested.
const DEEPEST: usize = 100;

/// Something that a template does.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Item {
    /// Prints or assigns.
    Action(Pipeline),
    /// `if`, with what follows `else`.
    If(Pipeline, Vec<Item>, Vec<Item>),
    /// `with`
    With(Pipeline, Vec<Item>, Vec<Item>),
    /// `range`, whose pipeline declares the key and the item.
    Range(Pipeline, Vec<Item>, Vec<Item>),
    /// `template` and the use of a `block`: the name, and what it is given.
    Template(String, Option<Pipeline>),
}

/// A template with a name.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Define {
    /// Its name.
    pub(super) name: String,
    /// What it does.
    pub(super) body: Vec<Item>,
}

/// Commands, each of which gets the result of the one before as its last argument.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Pipeline {
    /// Its bytes.
    pub(super) range: Range<usize>,
    /// The variables that it declares or assigns.
    pub(super) variables: Vec<String>,
    /// Whether they are declared, not assigned.
    pub(super) declares: bool,
    /// The commands.
    pub(super) commands: Vec<Command>,
}

/// An operand, or a function or method with its arguments.
pub(super) type Command = Vec<Operand>;

/// A value, and the fields that are taken from it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Operand {
    /// Its bytes.
    pub(super) range: Range<usize>,
    /// The value.
    pub(super) base: Base,
    /// The fields, from left to right.
    pub(super) fields: Vec<String>,
}

/// A value as written.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub(super) enum Base {
    Dot,
    Variable(String),
    Function(String),
    Text(String),
    Number(String),
    /// `true`, `false` or `nil`.
    Constant,
    Pipeline(Box<Pipeline>),
}

/// A template, taken apart.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Parsed {
    /// What stands outside of named templates.
    pub(super) items: Vec<Item>,
    /// Its named templates.
    pub(super) defines: Vec<Define>,
    /// What cannot be read.
    pub(super) wrong: Vec<Wrong>,
}

/// Takes a template apart.
pub(super) fn parse(text: &str) -> Parsed {
    let (pieces, wrong) = lex::pieces(text);
    let broken = !wrong.is_empty();
    let mut parser = Parser { pieces, at: 0, defines: Vec::new(), wrong, broken };
    let mut items = Vec::new();
    loop {
        let (more, end) = parser.body(0);
        items.extend(more);
        match end {
            End::Text => break,
            End::Word(range, word) => parser.surplus(range, &word),
        }
    }
    Parsed { items, defines: parser.defines, wrong: parser.wrong }
}

/// What ends a body.
enum End {
    /// The text ends.
    Text,
    /// `end` or `else`; the words behind `else` are still to be read.
    Word(Range<usize>, Else),
}

/// `end`, or `else` with the words behind it.
enum Else {
    End,
    Plain,
    Again(String, Vec<Token>),
}

struct Parser {
    pieces: Vec<Piece>,
    at: usize,
    defines: Vec<Define>,
    wrong: Vec<Wrong>,
    /// Whether an action was left out, which may have been the missing `end` or `if`.
    broken: bool,
}

impl Parser {
    fn surplus(&mut self, range: Range<usize>, word: &Else) {
        if !self.broken {
            let word = if matches!(word, Else::End) { "end" } else { "else" };
            self.wrong.push(Wrong::new(range, format!("`{word}` belongs to nothing")));
        }
        self.broken = true;
    }

    fn unclosed(&mut self, range: Range<usize>, word: &str) {
        if !self.broken {
            self.wrong.push(Wrong::new(range, format!("`{word}` has no `end`")));
        }
        self.broken = true;
    }

    /// Items up to `else`, `end` or the end of the text.
    fn body(&mut self, depth: usize) -> (Vec<Item>, End) {
        let mut items = Vec::new();
        while let Some(piece) = self.pieces.get(self.at).cloned() {
            self.at += 1;
            let name = match piece.tokens.first() {
                Some(Token { word: Word::Name(name), .. }) => name.clone(),
                _ => String::new(),
            };
            match name.as_str() {
                "end" => return (items, End::Word(piece.range, Else::End)),
                "else" => {
                    let word = match piece.tokens.get(1).map(|token| &token.word) {
                        Some(Word::Name(again)) if again == "if" || again == "with" => {
                            Else::Again(again.clone(), piece.tokens[2..].to_vec())
                        }
                        _ => Else::Plain,
                    };
                    return (items, End::Word(piece.range, word));
                }
                "break" | "continue" if piece.tokens.len() == 1 => {}
                "if" | "with" | "range" | "define" | "block" if depth >= DEEPEST => {
                    self.wrong.push(Wrong::new(piece.range, format!("blocks are nested more than {DEEPEST} deep")));
                    self.broken = true;
                    self.at = self.pieces.len();
                }
                "if" | "with" | "range" => {
                    let item = self.control(&name, &piece.tokens[1..], piece.range.clone(), depth);
                    items.push(item);
                }
                "define" | "block" => items.extend(self.named(&name, &piece, depth)),
                "template" => items.extend(self.template(&piece)),
                _ => items.extend(self.pipeline(&piece.tokens, piece.range.clone()).map(Item::Action)),
            }
        }
        (items, End::Text)
    }

    /// `if`, `with` or `range`, with everything up to its `end`.
    fn control(&mut self, word: &str, tokens: &[Token], range: Range<usize>, depth: usize) -> Item {
        let pipeline = self.pipeline(tokens, range.clone()).unwrap_or_else(|| nothing(range.clone()));
        let (body, end) = self.body(depth + 1);
        let otherwise = self.otherwise(end, word, range, depth);
        match word {
            "if" => Item::If(pipeline, body, otherwise),
            "with" => Item::With(pipeline, body, otherwise),
            _ => Item::Range(pipeline, body, otherwise),
        }
    }

    /// What stands behind `else`, up to the `end` of the block.
    fn otherwise(&mut self, end: End, word: &str, opened: Range<usize>, depth: usize) -> Vec<Item> {
        match end {
            End::Word(_, Else::End) => Vec::new(),
            End::Word(range, Else::Again(again, tokens)) if depth < DEEPEST => {
                vec![self.control(&again, &tokens, range, depth + 1)]
            }
            End::Word(..) => {
                let (body, end) = self.body(depth + 1);
                match end {
                    End::Word(_, Else::End) => {}
                    End::Word(range, word) => self.surplus(range, &word),
                    End::Text => self.unclosed(opened, word),
                }
                body
            }
            End::Text => {
                self.unclosed(opened, word);
                Vec::new()
            }
        }
    }

    /// `define` or `block`; a block is used where it stands.
    fn named(&mut self, word: &str, piece: &Piece, depth: usize) -> Option<Item> {
        let name = self.name_of(word, piece);
        let (body, end) = self.body(depth + 1);
        match end {
            End::Word(_, Else::End) => {}
            End::Word(range, word) => self.surplus(range, &word),
            End::Text => self.unclosed(piece.range.clone(), word),
        }
        let name = name?;
        self.defines.push(Define { name: name.clone(), body });
        if word == "define" {
            return None;
        }
        let context = piece.tokens.get(2..).and_then(|tokens| self.pipeline(tokens, piece.range.clone()));
        Some(Item::Template(name, context))
    }

    fn template(&mut self, piece: &Piece) -> Option<Item> {
        let name = self.name_of("template", piece)?;
        let tokens = piece.tokens.get(2..).unwrap_or_default();
        let context = if tokens.is_empty() { None } else { self.pipeline(tokens, piece.range.clone()) };
        Some(Item::Template(name, context))
    }

    fn name_of(&mut self, word: &str, piece: &Piece) -> Option<String> {
        match piece.tokens.get(1).map(|token| &token.word) {
            Some(Word::Text(name)) => Some(name.clone()),
            _ => {
                self.wrong.push(Wrong::new(piece.range.clone(), format!("`{word}` is followed by no name in quotes")));
                None
            }
        }
    }

    /// A whole action's pipeline; what is wrong in it is said.
    fn pipeline(&mut self, tokens: &[Token], range: Range<usize>) -> Option<Pipeline> {
        let mut words = Words { tokens, at: 0, range };
        match words.pipeline(0) {
            Ok(pipeline) if words.at == tokens.len() => Some(pipeline),
            Ok(_) => {
                self.wrong.push(Wrong::new(words.place(), "a bracket is closed that was not opened"));
                None
            }
            Err(wrong) => {
                self.wrong.push(wrong);
                None
            }
        }
    }
}

/// The pipeline of an action that cannot be read.
fn nothing(range: Range<usize>) -> Pipeline {
    Pipeline { range, variables: Vec::new(), declares: false, commands: Vec::new() }
}

struct Words<'t> {
    tokens: &'t [Token],
    at: usize,
    /// The action, for what is wrong at its end.
    range: Range<usize>,
}

impl Words<'_> {
    fn peek(&self) -> Option<&Word> {
        self.tokens.get(self.at).map(|token| &token.word)
    }

    fn place(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or_else(|| self.range.clone(), |token| token.range.clone())
    }

    /// A pipeline, up to `)` or the end.
    fn pipeline(&mut self, depth: usize) -> Result<Pipeline, Wrong> {
        if depth > DEEPEST {
            return Err(Wrong::new(self.place(), format!("brackets are nested more than {DEEPEST} deep")));
        }
        let from = self.place().start;
        let (variables, declares) = self.variables();
        let mut commands = vec![self.command(depth)?];
        while self.peek() == Some(&Word::Pipe) {
            self.at += 1;
            commands.push(self.command(depth)?);
        }
        let to = self.tokens.get(self.at.saturating_sub(1)).map_or(from, |token| token.range.end);
        Ok(Pipeline { range: from..to.max(from), variables, declares, commands })
    }

    /// `$x :=`, `$x =`, `$k, $v :=`, or nothing.
    fn variables(&mut self) -> (Vec<String>, bool) {
        let mut names = Vec::new();
        let mut at = self.at;
        while let Some(Token { word: Word::Variable(name), .. }) = self.tokens.get(at) {
            names.push(name.clone());
            match self.tokens.get(at + 1).map(|token| &token.word) {
                Some(Word::Comma) => at += 2,
                Some(word @ (Word::Declare | Word::Assign)) => {
                    self.at = at + 2;
                    return (names, *word == Word::Declare);
                }
                _ => break,
            }
        }
        (Vec::new(), false)
    }

    fn command(&mut self, depth: usize) -> Result<Command, Wrong> {
        let mut operands = Vec::new();
        while !matches!(self.peek(), None | Some(Word::Pipe | Word::Close)) {
            operands.push(self.operand(depth)?);
        }
        if operands.is_empty() {
            return Err(Wrong::new(self.place(), "a value is missing"));
        }
        Ok(operands)
    }

    fn operand(&mut self, depth: usize) -> Result<Operand, Wrong> {
        let mut range = self.place();
        let mut fields = Vec::new();
        let base = match self.peek().cloned() {
            Some(Word::Dot) => Base::Dot,
            Some(Word::Field(name)) => {
                fields.push(name);
                Base::Dot
            }
            Some(Word::Variable(name)) => Base::Variable(name),
            Some(Word::Text(text)) => Base::Text(text),
            Some(Word::Number(number)) => Base::Number(number),
            Some(Word::Name(name)) if matches!(name.as_str(), "true" | "false" | "nil") => Base::Constant,
            Some(Word::Name(name)) => Base::Function(name),
            Some(Word::Open) => {
                self.at += 1;
                let inner = self.pipeline(depth + 1)?;
                if self.peek() != Some(&Word::Close) {
                    return Err(Wrong::new(range, "a bracket is not closed"));
                }
                Base::Pipeline(Box::new(inner))
            }
            _ => return Err(Wrong::new(range, "a value was expected")),
        };
        range.end = self.place().end;
        self.at += 1;
        while let Some(Token { word: Word::Field(name), glued: true, range: more }) = self.tokens.get(self.at) {
            range.end = more.end;
            fields.push(name.clone());
            self.at += 1;
        }
        Ok(Operand { range, base, fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        parse(text).wrong.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn chains_brackets_and_pipes() {
        let parsed = parse("{{ (.Values.a).b.c | default .d | quote }}");
        assert_eq!(parsed.wrong, []);
        let [Item::Action(pipeline)] = parsed.items.as_slice() else { panic!("{:?}", parsed.items) };
        assert_eq!(pipeline.commands.len(), 3);
        let first = &pipeline.commands[0][0];
        assert_eq!(first.fields, ["b", "c"]);
        assert!(matches!(&first.base, Base::Pipeline(inner) if inner.commands[0][0].fields == ["Values", "a"]));
        assert_eq!(pipeline.commands[1].len(), 2);
    }

    #[test]
    fn blocks_and_their_alternatives() {
        let parsed = parse("{{ if .a }}{{ .b }}{{ else if .c }}{{ .d }}{{ else }}{{ .e }}{{ end }}{{ .f }}");
        assert_eq!(parsed.wrong, []);
        let [Item::If(_, then, otherwise), Item::Action(_)] = parsed.items.as_slice() else {
            panic!("{:?}", parsed.items)
        };
        assert_eq!(then.len(), 1);
        let [Item::If(_, _, last)] = otherwise.as_slice() else { panic!("{otherwise:?}") };
        assert_eq!(last.len(), 1);
        let parsed = parse("{{ range $k, $v := .a }}{{ break }}{{ else }}x{{ end }}");
        let [Item::Range(pipeline, ..)] = parsed.items.as_slice() else { panic!("{:?}", parsed.items) };
        assert_eq!((pipeline.variables.as_slice(), pipeline.declares), (["k", "v"].map(String::from).as_slice(), true));
    }

    #[test]
    fn named_templates() {
        let parsed =
            parse("{{ define \"x\" }}{{ .a }}{{ end }}{{ block \"y\" .b }}{{ .c }}{{ end }}{{ template \"x\" }}");
        assert_eq!(parsed.wrong, []);
        assert_eq!(parsed.defines.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
        assert!(matches!(parsed.items.as_slice(), [Item::Template(y, Some(_)), Item::Template(x, None)]
            if y == "y" && x == "x"));
    }

    #[test]
    fn what_cannot_be_read_is_said_once() {
        let cases = [
            ("{{ if .a }}", "`if` has no `end`"),
            ("{{ end }}{{ end }}", "`end` belongs to nothing"),
            ("{{ else }}", "`else` belongs to nothing"),
            ("{{ (.a }}", "a bracket is not closed"),
            ("{{ .a ) }}", "a bracket is closed that was not opened"),
            ("{{ .a | }}", "a value is missing"),
            ("{{ define x }}{{ end }}", "`define` is followed by no name in quotes"),
            ("{{ \"a }}{{ if .b }}", "a string is not closed"),
            ("{{ if .a }}{{ else }}{{ else }}{{ end }}", "`else` belongs to nothing"),
        ];
        for (text, message) in cases {
            assert_eq!(wrong(text), [message], "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(wrong(&"{{ if .a }}".repeat(5000)), ["blocks are nested more than 100 deep"]);
        assert_eq!(wrong(&format!("{{{{ {}.a }}}}", "(".repeat(5000))), ["brackets are nested more than 100 deep"]);
        assert!(!wrong(&format!("{{{{ if .a }}}}{}", "{{ else if .b }}".repeat(5000))).is_empty());
    }
}
