//! The shape of an expression.
//!
//! In: text. Out: a tree of [`Node`]s, or the first thing that is wrong.
//! Never: what a name means, or a type.
//! Invariant: no tree is deeper than [`DEPTH`], so later walks cannot run out of stack.

use super::lex::{Lexed, Token, Wrong, lex};
use super::{Operator, codes};
use crate::value::Value;

/// How deep an expression may be nested, a chain of operators counting one per operator.
pub(super) const DEPTH: u32 = 64;

/// A name and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A piece of an expression as written.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node {
    pub(super) shape: Shape,
    pub(super) start: usize,
    pub(super) end: usize,
    height: u32,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Shape {
    Literal(Value),
    Name(String),
    Member(Box<Node>, Word),
    Index(Box<Node>, Box<Node>),
    Call(Word, Vec<Node>),
    Method(Box<Node>, Word, Vec<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// Reads a whole text as one expression.
pub(super) fn parse(text: &str) -> Result<Node, Wrong> {
    let tokens = lex(text)?;
    if tokens.len() == 1 {
        return Err(Wrong::syntax(0, text.len(), "an expression is wanted, nothing is written"));
    }
    let mut parser = Parser { text, tokens, at: 0, depth: 0 };
    let node = parser.ternary()?;
    match parser.peek() {
        Token::End => Ok(node),
        _ => Err(parser.unexpected("the expression is over before")),
    }
}

/// Binding power of the operators with two sides; all of them bind to the left.
fn infix(token: &Token) -> Option<(Operator, u8)> {
    Some(match token {
        Token::Mark(mark) => match *mark {
            "||" => (Operator::Or, 1),
            "&&" => (Operator::And, 2),
            "==" => (Operator::Equal, 3),
            "!=" => (Operator::NotEqual, 3),
            "<" => (Operator::Less, 3),
            "<=" => (Operator::LessOrEqual, 3),
            ">" => (Operator::Greater, 3),
            ">=" => (Operator::GreaterOrEqual, 3),
            "+" => (Operator::Add, 4),
            "-" => (Operator::Subtract, 4),
            "*" => (Operator::Multiply, 5),
            "/" => (Operator::Divide, 5),
            "%" => (Operator::Remainder, 5),
            _ => return None,
        },
        Token::Name(name) if name == "in" => (Operator::In, 3),
        _ => return None,
    })
}

/// Words of other languages, and what they are here.
const HABITS: [(&str, &str); 6] =
    [("and", "&&"), ("or", "||"), ("not", "!"), ("is", "=="), ("True", "true"), ("False", "false")];

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Lexed>,
    at: usize,
    depth: u32,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].token
    }

    fn here(&self) -> &Lexed {
        &self.tokens[self.at]
    }

    /// The next token; the last one, [`Token::End`], is never passed.
    fn advance(&mut self) -> Lexed {
        let lexed = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        lexed
    }

    fn take(&mut self, mark: &'static str) -> bool {
        let found = *self.peek() == Token::Mark(mark);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, mark: &'static str, open: usize) -> Result<usize, Wrong> {
        let end = self.here().end;
        if self.take(mark) {
            return Ok(end);
        }
        let what =
            if mark == ":" { "`?` without its `:` before".to_owned() } else { format!("`{mark}` is wanted before") };
        let wrong = self.unexpected(&what);
        Err(if *self.peek() == Token::End { Wrong { start: open, end: self.text.len(), ..wrong } } else { wrong })
    }

    fn unexpected(&self, what: &str) -> Wrong {
        let here = self.here();
        if here.token == Token::End {
            return Wrong::syntax(here.start, here.end, format!("{what} the end of the text"));
        }
        let word = &self.text[here.start..here.end];
        let wrong = Wrong::syntax(here.start, here.end, format!("{what} `{word}`"));
        match HABITS.iter().find(|(habit, _)| *habit == word) {
            Some((_, right)) => wrong.hint(format!("write `{right}`")),
            None => wrong,
        }
    }

    /// Runs a part of the grammar one level deeper.
    fn deeper(&mut self, part: fn(&mut Self) -> Result<Node, Wrong>) -> Result<Node, Wrong> {
        if self.depth >= DEPTH {
            return Err(too_deep(self.here().start, self.here().end));
        }
        self.depth += 1;
        let node = part(self);
        self.depth -= 1;
        node
    }

    fn ternary(&mut self) -> Result<Node, Wrong> {
        let condition = self.binary(1)?;
        let open = self.here().start;
        if !self.take("?") {
            return Ok(condition);
        }
        let then = self.binary(1)?;
        self.expect(":", open)?;
        let otherwise = self.deeper(Self::ternary)?;
        let (start, end) = (condition.start, otherwise.end);
        let height = condition.height.max(then.height).max(otherwise.height);
        build(Shape::If(Box::new(condition), Box::new(then), Box::new(otherwise)), start, end, height)
    }

    fn binary(&mut self, least: u8) -> Result<Node, Wrong> {
        let mut left = self.unary()?;
        while let Some((operator, power)) = infix(self.peek()).filter(|(_, power)| *power >= least) {
            let mark = self.advance();
            if operator == Operator::Subtract && !(mark.blank && self.here().blank) {
                return Err(crowded(&mark));
            }
            let right = self.binary(power + 1)?;
            let (start, end, height) = (left.start, right.end, left.height.max(right.height));
            left = build(Shape::Binary(operator, Box::new(left), Box::new(right)), start, end, height)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, Wrong> {
        let (start, token) = (self.here().start, self.peek().clone());
        match token {
            Token::Mark("!") => {
                self.advance();
                let inner = self.deeper(Self::unary)?;
                let (end, height) = (inner.end, inner.height);
                build(Shape::Not(Box::new(inner)), start, end, height)
            }
            Token::Mark("-") => {
                self.advance();
                if let Some(literal) = self.negative(start) {
                    return self.postfix(literal);
                }
                let inner = self.deeper(Self::unary)?;
                let (end, height) = (inner.end, inner.height);
                build(Shape::Negate(Box::new(inner)), start, end, height)
            }
            _ => {
                let inner = self.primary()?;
                self.postfix(inner)
            }
        }
    }

    /// A number right behind a minus; the least whole number has no positive counterpart.
    fn negative(&mut self, start: usize) -> Option<Node> {
        let value = match *self.peek() {
            Token::Int(number) => Value::Int(0_i64.checked_sub_unsigned(number)?),
            Token::Float(number) => Value::Float(-number),
            _ => return None,
        };
        let end = self.advance().end;
        Some(Node { shape: Shape::Literal(value), start, end, height: 1 })
    }

    fn postfix(&mut self, mut node: Node) -> Result<Node, Wrong> {
        loop {
            let open = self.here().start;
            if self.take(".") {
                node = self.member(node)?;
            } else if self.take("[") {
                let key = self.deeper(Self::ternary)?;
                let end = self.expect("]", open)?;
                let (start, height) = (node.start, node.height.max(key.height));
                node = build(Shape::Index(Box::new(node), Box::new(key)), start, end, height)?;
            } else {
                return Ok(node);
            }
        }
    }

    fn member(&mut self, of: Node) -> Result<Node, Wrong> {
        let word = match self.peek() {
            Token::Name(_) => self.word(),
            _ => return Err(self.unexpected("a name is wanted behind `.` before")),
        };
        let open = self.here().start;
        let (start, height) = (of.start, of.height);
        if !self.take("(") {
            let end = word.end;
            return build(Shape::Member(Box::new(of), word), start, end, height);
        }
        let (arguments, end) = self.items(")", open)?;
        let height = highest(&arguments).max(height);
        build(Shape::Method(Box::new(of), word, arguments), start, end, height)
    }

    fn word(&mut self) -> Word {
        let lexed = self.advance();
        let text = self.text[lexed.start..lexed.end].to_owned();
        Word { text, start: lexed.start, end: lexed.end }
    }

    fn primary(&mut self) -> Result<Node, Wrong> {
        let (start, end) = (self.here().start, self.here().end);
        let literal = |value| Ok(Node { shape: Shape::Literal(value), start, end, height: 1 });
        match self.peek().clone() {
            Token::Int(number) => {
                let number = i64::try_from(number)
                    .map_err(|_| Wrong::syntax(start, end, format!("a whole number is at most {}", i64::MAX)))?;
                self.advance();
                literal(Value::Int(number))
            }
            Token::Float(number) => {
                self.advance();
                literal(Value::Float(number))
            }
            Token::Text(text) => {
                self.advance();
                literal(Value::string(text))
            }
            Token::Name(name) => self.name(&name),
            Token::Mark("(") => {
                self.advance();
                let mut inner = self.deeper(Self::ternary)?;
                inner.end = self.expect(")", start)?;
                inner.start = start;
                Ok(inner)
            }
            Token::Mark("[") => {
                self.advance();
                let (items, end) = self.items("]", start)?;
                let height = highest(&items);
                build(Shape::List(items), start, end, height)
            }
            Token::Mark("{") => self.map(),
            _ => Err(self.unexpected("a value is wanted before")),
        }
    }

    fn name(&mut self, name: &str) -> Result<Node, Wrong> {
        let word = self.word();
        let (start, end) = (word.start, word.end);
        let literal = |value| Ok(Node { shape: Shape::Literal(value), start, end, height: 1 });
        match name {
            "true" => return literal(Value::Bool(true)),
            "false" => return literal(Value::Bool(false)),
            "null" => {
                let wrong = Wrong::syntax(start, end, "there is no `null` in an expression");
                return Err(wrong.hint("write `has(path)` to ask whether there is a value"));
            }
            "in" => return Err(Wrong::syntax(start, end, "a value is wanted before `in`")),
            _ => {}
        }
        let open = self.here().start;
        if !self.take("(") {
            return Ok(Node { shape: Shape::Name(name.to_owned()), start, end, height: 1 });
        }
        let (arguments, end) = self.items(")", open)?;
        let height = highest(&arguments);
        build(Shape::Call(word, arguments), start, end, height)
    }

    /// Values with commas between them; one comma at the end is legal.
    fn items(&mut self, close: &'static str, open: usize) -> Result<(Vec<Node>, usize), Wrong> {
        let mut items = Vec::new();
        while *self.peek() != Token::Mark(close) {
            items.push(self.deeper(Self::ternary)?);
            if !self.take(",") {
                break;
            }
        }
        Ok((items, self.expect(close, open)?))
    }

    fn map(&mut self) -> Result<Node, Wrong> {
        let start = self.advance().start;
        let mut entries = Vec::new();
        while *self.peek() != Token::Mark("}") {
            let key = self.deeper(Self::ternary)?;
            if !self.take(":") {
                return Err(self.unexpected("`:` is wanted before"));
            }
            entries.push((key, self.deeper(Self::ternary)?));
            if !self.take(",") {
                break;
            }
        }
        let end = self.expect("}", start)?;
        let height = entries.iter().map(|(key, value)| key.height.max(value.height)).max().unwrap_or(0);
        build(Shape::Map(entries), start, end, height)
    }
}

/// A node whose highest part has this height.
fn build(shape: Shape, start: usize, end: usize, height: u32) -> Result<Node, Wrong> {
    if height >= DEPTH { Err(too_deep(start, end)) } else { Ok(Node { shape, start, end, height: height + 1 }) }
}

fn highest(nodes: &[Node]) -> u32 {
    nodes.iter().map(|node| node.height).max().unwrap_or(0)
}

fn crowded(mark: &Lexed) -> Wrong {
    let message = "a subtraction has a blank on both sides of its `-`".to_owned();
    let hint = Some("write ` - `".to_owned());
    Wrong { code: &codes::CROWDED_MINUS, start: mark.start, end: mark.end, message, hint }
}

fn too_deep(start: usize, end: usize) -> Wrong {
    let message = format!("an expression nests at most {DEPTH} deep");
    Wrong { code: &codes::EXPRESSION_TOO_LARGE, start, end, message, hint: None }
}
