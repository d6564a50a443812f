//! The table of functions.
//!
//! In: values. Out: a value, or why there is none.
//! Never: settings; what needs unevaluated arguments is done in `check` and `eval` ([`Eval::Form`]).
//! Invariant: the table is sorted by name, each name once; every row is pure and counts its steps.

use super::pattern::Pattern;
use super::scalars;
use crate::value::Value;

/// A function or method.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub style: Style,
    /// What it takes, the receiver of a method first.
    pub params: &'static [Param],
    /// How many of them must be there, the receiver included.
    pub least: usize,
    /// Whether the last one may be repeated.
    pub repeats: bool,
    /// What it yields.
    pub result: Returns,
    /// What it does, a sentence without a full stop.
    pub about: &'static str,
    /// How it is computed.
    pub eval: Eval,
}

/// How a function is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// `f(x)`.
    Before,
    /// `x.f()`.
    Behind,
    /// Both.
    Either,
}

/// What a function takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Param {
    /// Text.
    Text,
    /// A constant text that is a regular expression.
    Pattern,
    /// A constant text that spells a value of this scalar type.
    Constant(&'static str),
    /// A scalar that has a spelling, not a secret.
    Scalar,
    /// A scalar that `<` can compare, or a list of them as the only argument.
    Ordered,
    /// Text, a list or a map.
    Sized,
    /// A list of scalars that have a spelling.
    Scalars,
    /// A list, or a map for its keys.
    Items,
    /// The name of a variable.
    Variable,
    /// A condition.
    Condition,
    /// A path.
    Path,
    /// Anything.
    Any,
}

/// What a function yields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Returns {
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// Text.
    String,
    /// A list of texts.
    Strings,
    /// A value of this scalar type.
    Scalar(&'static str),
    /// The common type of its arguments.
    Common,
    /// A list of the items of its list.
    SameList,
    /// A list of what the last argument yields.
    List,
}

/// How a function is computed.
#[derive(Clone, Copy, Debug)]
pub enum Eval {
    /// From its arguments, all of which have a value.
    Strict(fn(&[Value], &mut Steps) -> Result<Value, Trouble>),
    /// Specially: its arguments are not all evaluated, or not all have a value.
    Form,
}

/// Why there is no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// What was asked for is not there.
    Missing,
    /// The value is wrong; a sentence for a finding.
    Wrong(String),
    /// The steps are used up.
    Exhausted,
}

impl Trouble {
    pub(super) fn wrong(text: impl Into<String>) -> Trouble {
        Trouble::Wrong(text.into())
    }
}

/// Steps that are left.
#[derive(Debug)]
pub struct Steps {
    pub(super) left: u64,
    /// Whether more were asked for than were left.
    pub(super) exhausted: bool,
}

impl Steps {
    /// Takes steps.
    ///
    /// # Errors
    /// There are not as many left.
    pub fn take(&mut self, steps: u64) -> Result<(), Trouble> {
        match self.left.checked_sub(steps) {
            Some(left) if !self.exhausted => {
                self.left = left;
                Ok(())
            }
            _ => {
                (self.left, self.exhausted) = (0, true);
                Err(Trouble::Exhausted)
            }
        }
    }

    /// Takes the steps for walking over so many bytes or items.
    ///
    /// # Errors
    /// There are not as many left.
    pub fn walk(&mut self, length: usize) -> Result<(), Trouble> {
        self.take(length as u64 / 16)
    }
}

/// Bytes that a computed text may have.
pub const LONGEST: usize = 1 << 20;

/// The row of this name.
#[must_use]
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|row| row.name.cmp(name)).ok().map(|at| &FUNCTIONS[at])
}

impl Function {
    /// How it is written, such as `text.split(text) -> list of text`.
    #[must_use]
    pub fn signature(&self) -> String {
        let mut words: Vec<_> = self.params.iter().map(|param| param.word()).collect();
        let receiver = if self.style == Style::Before { String::new() } else { format!("{}.", words.remove(0)) };
        let optional = self.least - usize::from(self.style != Style::Before);
        let mut list = String::new();
        for (at, word) in words.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            if at < optional { list += &format!("{comma}{word}") } else { list += &format!("[{comma}{word}]") }
        }
        if self.repeats {
            list += ", …";
        }
        format!("{receiver}{}({list}) -> {}", self.name, self.result.word())
    }
}

impl Param {
    fn word(self) -> &'static str {
        match self {
            Param::Text => "text",
            Param::Pattern => "'pattern'",
            Param::Constant("memory") => "'1Gi'",
            Param::Constant("cpu") => "'500m'",
            Param::Constant("duration") => "'30s'",
            Param::Constant(_) => "'constant'",
            Param::Scalar => "scalar",
            Param::Ordered => "ordered",
            Param::Sized => "text or list or map",
            Param::Scalars => "list",
            Param::Items => "list or map",
            Param::Variable => "x",
            Param::Condition => "condition",
            Param::Path => "path",
            Param::Any => "value",
        }
    }
}

impl Returns {
    fn word(self) -> &'static str {
        match self {
            Returns::Bool => "bool",
            Returns::Int => "int",
            Returns::String => "text",
            Returns::Strings => "list of text",
            Returns::Scalar(name) => name,
            Returns::Common => "value",
            Returns::SameList | Returns::List => "list",
        }
    }
}

macro_rules! functions {
    ($($name:ident $style:ident ($($param:expr),*) least $least:literal $(repeats $repeats:literal)? -> $result:expr, $eval:expr, $about:literal;)*) => {
        /// All functions, by name.
        pub static FUNCTIONS: &[Function] = &[$(Function {
            name: stringify!($name),
            style: Style::$style,
            params: &[$($param),*],
            least: $least,
            repeats: false $(|| $repeats)?,
            result: $result,
            about: $about,
            eval: $eval,
        }),*];
    };
}

functions! {
    all Behind (Param::Items, Param::Variable, Param::Condition) least 3 -> Returns::Bool, Eval::Form,
        "whether the condition holds for every item or key";
    contains Behind (Param::Text, Param::Text) least 2 -> Returns::Bool, Eval::Strict(contains),
        "whether the text stands in it";
    cpu Before (Param::Constant("cpu")) least 1 -> Returns::Scalar("cpu"), Eval::Form,
        "a constant amount of processor";
    duration Before (Param::Constant("duration")) least 1 -> Returns::Scalar("duration"), Eval::Form,
        "a constant length of time";
    endsWith Behind (Param::Text, Param::Text) least 2 -> Returns::Bool, Eval::Strict(ends_with),
        "whether it ends with the text";
    exists Behind (Param::Items, Param::Variable, Param::Condition) least 3 -> Returns::Bool, Eval::Form,
        "whether the condition holds for an item or key";
    filter Behind (Param::Items, Param::Variable, Param::Condition) least 3 -> Returns::SameList, Eval::Form,
        "the items or keys for which the condition holds";
    first Before (Param::Any) least 1 repeats true -> Returns::Common, Eval::Form,
        "the first that has a value";
    has Before (Param::Path) least 1 -> Returns::Bool, Eval::Form,
        "whether there is a value; never missing itself";
    join Behind (Param::Scalars, Param::Text) least 1 -> Returns::String, Eval::Strict(join),
        "its items as one text, with the given text between them";
    map Behind (Param::Items, Param::Variable, Param::Any) least 3 -> Returns::List, Eval::Form,
        "what the last argument yields for every item or key";
    matches Behind (Param::Text, Param::Pattern) least 2 -> Returns::Bool, Eval::Strict(matches),
        "whether the regular expression is found in it; `^` and `$` are its ends";
    max Before (Param::Ordered) least 1 repeats true -> Returns::Common, Eval::Strict(max),
        "the greatest of its arguments, or of a list";
    memory Before (Param::Constant("memory")) least 1 -> Returns::Scalar("memory"), Eval::Form,
        "a constant amount of memory";
    min Before (Param::Ordered) least 1 repeats true -> Returns::Common, Eval::Strict(min),
        "the least of its arguments, or of a list";
    size Either (Param::Sized) least 1 -> Returns::Int, Eval::Strict(size),
        "the number of characters, items or entries";
    split Behind (Param::Text, Param::Text) least 2 -> Returns::Strings, Eval::Strict(split),
        "the pieces between the given text; between all characters if that is empty";
    startsWith Behind (Param::Text, Param::Text) least 2 -> Returns::Bool, Eval::Strict(starts_with),
        "whether it begins with the text";
    string Before (Param::Scalar) least 1 -> Returns::String, Eval::Strict(string),
        "its normal spelling";
}

/// The text of a value that has to be known.
fn text(value: &Value) -> Result<&str, Trouble> {
    match value {
        Value::String(text) => Ok(text),
        Value::Text(_) => Err(Trouble::wrong("text with a link or a secret in it cannot be taken apart")),
        other => Err(Trouble::wrong(format!("text is wanted, this is {}", noun(other)))),
    }
}

/// Two texts, and steps for walking over the first.
fn two<'a>(arguments: &'a [Value], steps: &mut Steps) -> Result<(&'a str, &'a str), Trouble> {
    let [a, b] = arguments else { return Err(Trouble::wrong("two texts are wanted")) };
    let (a, b) = (text(a)?, text(b)?);
    steps.walk(a.len() + b.len())?;
    Ok((a, b))
}

fn starts_with(arguments: &[Value], steps: &mut Steps) -> Result<Value, Trouble> {
    two(arguments, steps).map(|(text, part)| Value::Bool(text.starts_with(part)))
}

fn ends_with(arguments: &[Value], steps: &mut Steps) -> Result<Value, Trouble> {
    two(arguments, steps).map(|(text, part)| Value::Bool(text.ends_with(part)))
}

fn contains(arguments: &[Value], steps: &mut Steps) -> Result<Value, Trouble> {
    two(arguments, steps).map(|(text, part)| Value::Bool(text.contains(part)))
}

fn matches(arguments: &[Value], steps: &mut Steps) -> Result<Value, Trouble> {
    let (text, pattern) = two(arguments, steps)?;
    let pattern = Pattern::new(pattern).map_err(|wrong| Trouble::Wrong(wrong.message))?;
    steps.walk((text.len() + 1).saturating_mul(pattern.size()))?;
    Ok(Value::Bool(pattern.is_found_in(text)))
}

fn split(arguments: &[Value], steps: &mut Steps) -> Result<Value, Trouble> {
    let (text, separator) = two(arguments, steps)?;
    let pieces: Vec<Value> = if separator.is_empty() {
        text.chars().map(|c| Value::string(c.to_string())).collect()
    } else {
        text.split(separator).map(Value::string).collect()
    };
    steps.take(pieces.len() as u64)?;
    Ok(Value::List(pieces))
}

fn join(arguments: &[Value], steps: &mut Steps) -> Result<Value, Trouble> {
    let (Some(Value::List(items)), separator) = (arguments.first(), arguments.get(1)) else {
        return Err(Trouble::wrong("a list is wanted"));
    };
    let empty = Value::string("");
    let separator = separator.unwrap_or(&empty);
    let (mut pieces, mut length) = (Vec::new(), 0);
    for (at, item) in items.iter().enumerate() {
        let parts = [Some(separator).filter(|_| at > 0), Some(item)];
        for part in parts.into_iter().flatten() {
            steps.take(1)?;
            length += splice(part, &mut pieces)?;
            if length > LONGEST {
                return Err(too_long());
            }
        }
    }
    steps.walk(length)?;
    Ok(joined(pieces))
}

fn string(arguments: &[Value], _: &mut Steps) -> Result<Value, Trouble> {
    match arguments {
        [Value::Secret(_)] => Err(Trouble::wrong("a secret has no spelling")),
        [value] => {
            let mut pieces = Vec::new();
            splice(value, &mut pieces)?;
            Ok(joined(pieces))
        }
        _ => Err(Trouble::wrong("one value is wanted")),
    }
}

fn size(arguments: &[Value], steps: &mut Steps) -> Result<Value, Trouble> {
    let size = match arguments.first() {
        Some(Value::List(items)) => items.len(),
        Some(Value::Map(entries)) => entries.len(),
        Some(value) => {
            let text = text(value)?;
            steps.walk(text.len())?;
            text.chars().count()
        }
        None => return Err(Trouble::wrong("a value is wanted")),
    };
    Ok(Value::Int(size as i64))
}

fn min(arguments: &[Value], steps: &mut Steps) -> Result<Value, Trouble> {
    extreme(arguments, steps, std::cmp::Ordering::Less)
}

fn max(arguments: &[Value], steps: &mut Steps) -> Result<Value, Trouble> {
    extreme(arguments, steps, std::cmp::Ordering::Greater)
}

fn extreme(arguments: &[Value], steps: &mut Steps, wanted: std::cmp::Ordering) -> Result<Value, Trouble> {
    let items = match arguments {
        [Value::List(items)] => items.as_slice(),
        items => items,
    };
    let mut items = items.iter();
    let mut best = items.next().ok_or(Trouble::Missing)?;
    // A single value is compared with itself, so that it is of a type that has an order.
    compare(best, best)?;
    for item in items {
        steps.take(1)?;
        if compare(item, best)? == wanted {
            best = item;
        }
    }
    Ok(best.clone())
}

/// Orders two values of one kind.
pub(super) fn compare(a: &Value, b: &Value) -> Result<std::cmp::Ordering, Trouble> {
    let order = match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
        (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Memory(a), Value::Memory(b))
        | (Value::Cpu(a), Value::Cpu(b))
        | (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => None,
    };
    order.ok_or_else(|| Trouble::Wrong(format!("{} and {} have no order", noun(a), noun(b))))
}

/// Appends what a value is inside text, and says how many bytes were added.
pub(super) fn splice(value: &Value, pieces: &mut Vec<crate::value::Piece>) -> Result<usize, Trouble> {
    use crate::value::Piece;
    match value {
        Value::Text(more) => {
            pieces.extend(more.iter().cloned());
            Ok(more.iter().map(|piece| if let Piece::Literal(text) = piece { text.len() } else { 16 }).sum())
        }
        Value::Secret(secret) => {
            pieces.push(Piece::Secret(secret.clone()));
            Ok(16)
        }
        Value::List(_) | Value::Map(_) | Value::Null => {
            Err(Trouble::wrong(format!("{} has no place inside text", noun(value))))
        }
        scalar => {
            let text = scalars::spell(scalar);
            let length = text.len();
            pieces.push(Piece::Literal(text.into()));
            Ok(length)
        }
    }
}

/// Pieces as one text. Literals are joined here in one go, since `Value::text` copies at every join.
pub(super) fn joined(pieces: Vec<crate::value::Piece>) -> Value {
    use crate::value::Piece;
    let (mut out, mut literal) = (Vec::new(), String::new());
    for piece in pieces {
        match piece {
            Piece::Literal(text) => literal.push_str(&text),
            other => {
                out.push(Piece::Literal(std::mem::take(&mut literal).into()));
                out.push(other);
            }
        }
    }
    out.push(Piece::Literal(literal.into()));
    Value::text(out)
}

pub(super) fn too_long() -> Trouble {
    Trouble::Wrong(format!("a text of more than {} KiB", LONGEST >> 10))
}

/// What a value is called in messages.
pub(super) fn noun(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "a yes or no",
        Value::Int(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::String(_) => "text",
        Value::Text(_) => "text with a link or a secret in it",
        Value::Memory(_) => "an amount of memory",
        Value::Cpu(_) => "an amount of processor",
        Value::Duration(_) => "a length of time",
        Value::Secret(_) => "a secret",
        Value::Image(_) => "an image",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Null => "null",
    }
}
