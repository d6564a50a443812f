//! Regular expressions, matched in time linear in the text.
//!
//! In: a pattern and a text. Out: whether the pattern is found.
//! Never: back references, look-around, Unicode classes, flags.
//! Invariant: a pattern has at most [`LARGEST`] instructions, and a match touches each at most once per character.

/// Instructions that a pattern may have.
pub(super) const LARGEST: usize = 2000;
/// Repetitions that `{n,m}` may ask for.
const MOST: u32 = 255;
/// How deep brackets may be nested.
const DEPTH: u32 = 32;

/// A pattern, ready to match.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Step>);

/// What is wrong with a pattern, at a byte of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BadPattern {
    pub(super) at: usize,
    pub(super) message: String,
}

#[derive(Clone, Debug)]
enum Step {
    Class(Class),
    Split(usize, usize),
    Jump(usize),
    Start,
    End,
    Found,
}

#[derive(Clone, PartialEq, Debug)]
struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

#[derive(Clone, Debug)]
enum Tree {
    Empty,
    Class(Class),
    Start,
    End,
    All(Vec<Tree>),
    Either(Vec<Tree>),
    Repeat(Box<Tree>, u32, Option<u32>),
}

impl Class {
    fn one(c: char) -> Class {
        Class { negated: false, ranges: vec![(c, c)] }
    }

    fn has(&self, c: char) -> bool {
        self.ranges.iter().any(|(from, to)| *from <= c && c <= *to) != self.negated
    }
}

impl Pattern {
    /// Reads a pattern: literals, `.`, `[…]`, `*`, `+`, `?`, `{n,m}`, `|`, `(…)`, `(?:…)`, `^`, `$` and
    /// `\d \w \s \D \W \S`.
    pub(super) fn new(text: &str) -> Result<Pattern, BadPattern> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let tree = reader.either()?;
        if reader.at < text.len() {
            return Err(reader.wrong("a `)` without its `(`"));
        }
        let mut steps = Vec::new();
        emit(&tree, &mut steps)
            .map_err(|()| BadPattern { at: 0, message: format!("the pattern needs more than {LARGEST} steps") })?;
        steps.push(Step::Found);
        Ok(Pattern(steps))
    }

    /// Instructions.
    pub(super) fn size(&self) -> usize {
        self.0.len()
    }

    /// Whether the pattern matches some part of the text.
    pub(super) fn is_found_in(&self, text: &str) -> bool {
        let mut now = Threads::new(self.size());
        let mut then = Threads::new(self.size());
        for (at, c) in text.char_indices().map(|(at, c)| (at, Some(c))).chain([(text.len(), None)]) {
            self.add(&mut now, at == 0, c.is_none());
            for thread in &now.list {
                match (&self.0[*thread], c) {
                    (Step::Found, _) => return true,
                    (Step::Class(class), Some(c)) if class.has(c) => then.waiting.push(thread + 1),
                    _ => {}
                }
            }
            now.clear();
            std::mem::swap(&mut now, &mut then);
        }
        false
    }

    /// Follows what needs no character, from the threads that wait and from the beginning of the pattern.
    fn add(&self, threads: &mut Threads, at_start: bool, at_end: bool) {
        threads.waiting.push(0);
        while let Some(at) = threads.waiting.pop() {
            if std::mem::replace(&mut threads.seen[at], true) {
                continue;
            }
            match self.0[at] {
                Step::Split(a, b) => threads.waiting.extend([a, b]),
                Step::Jump(to) => threads.waiting.push(to),
                Step::Start if at_start => threads.waiting.push(at + 1),
                Step::End if at_end => threads.waiting.push(at + 1),
                Step::Start | Step::End => {}
                Step::Class(_) | Step::Found => threads.list.push(at),
            }
        }
    }
}

struct Threads {
    list: Vec<usize>,
    waiting: Vec<usize>,
    seen: Vec<bool>,
}

impl Threads {
    fn new(size: usize) -> Threads {
        Threads { list: Vec::new(), waiting: Vec::new(), seen: vec![false; size] }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.seen.fill(false);
    }
}

/// Appends the instructions of a tree; fails where there are too many.
fn emit(tree: &Tree, steps: &mut Vec<Step>) -> Result<(), ()> {
    if steps.len() > LARGEST {
        return Err(());
    }
    match tree {
        Tree::Empty => {}
        Tree::Class(class) => steps.push(Step::Class(class.clone())),
        Tree::Start => steps.push(Step::Start),
        Tree::End => steps.push(Step::End),
        Tree::All(trees) => {
            for tree in trees {
                emit(tree, steps)?;
            }
        }
        Tree::Either(trees) => emit_either(trees, steps)?,
        Tree::Repeat(tree, least, most) => {
            for _ in 0..*least {
                let before = steps.len();
                emit(tree, steps)?;
                // Nothing any number of times is nothing; counting it would take time that no limit bounds.
                if steps.len() == before {
                    break;
                }
            }
            match most {
                None => emit_star(tree, steps)?,
                Some(most) => emit_optional(tree, most - least, steps)?,
            }
        }
    }
    if steps.len() > LARGEST { Err(()) } else { Ok(()) }
}

fn emit_either(trees: &[Tree], steps: &mut Vec<Step>) -> Result<(), ()> {
    let mut jumps = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        if at + 1 == trees.len() {
            emit(tree, steps)?;
            break;
        }
        let split = steps.len();
        steps.push(Step::Split(split + 1, split + 1));
        emit(tree, steps)?;
        jumps.push(steps.len());
        steps.push(Step::Jump(0));
        steps[split] = Step::Split(split + 1, steps.len());
    }
    for jump in jumps {
        steps[jump] = Step::Jump(steps.len());
    }
    Ok(())
}

fn emit_star(tree: &Tree, steps: &mut Vec<Step>) -> Result<(), ()> {
    let split = steps.len();
    steps.push(Step::Jump(0));
    emit(tree, steps)?;
    steps.push(Step::Jump(split));
    steps[split] = Step::Split(split + 1, steps.len());
    Ok(())
}

fn emit_optional(tree: &Tree, times: u32, steps: &mut Vec<Step>) -> Result<(), ()> {
    let mut splits = Vec::new();
    for _ in 0..times {
        splits.push(steps.len());
        steps.push(Step::Jump(0));
        emit(tree, steps)?;
    }
    for split in splits {
        steps[split] = Step::Split(split + 1, steps.len());
    }
    Ok(())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn wrong(&self, message: impl Into<String>) -> BadPattern {
        BadPattern { at: self.at, message: message.into() }
    }

    fn either(&mut self) -> Result<Tree, BadPattern> {
        let mut branches = vec![self.all()?];
        while self.take('|') {
            branches.push(self.all()?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Tree::Either(branches) })
    }

    fn all(&mut self) -> Result<Tree, BadPattern> {
        let mut trees = Vec::new();
        while self.peek().is_some_and(|c| c != '|' && c != ')') {
            let one = self.one()?;
            trees.push(self.repeated(one)?);
        }
        Ok(if trees.is_empty() { Tree::Empty } else { Tree::All(trees) })
    }

    fn one(&mut self) -> Result<Tree, BadPattern> {
        let start = self.at;
        match self.next() {
            Some('.') => Ok(Tree::Class(Class { negated: true, ranges: vec![('\n', '\n')] })),
            Some('^') => Ok(Tree::Start),
            Some('$') => Ok(Tree::End),
            Some('(') => self.group(start),
            Some('[') => self.class(start),
            Some('\\') => Ok(Tree::Class(self.escape(start)?)),
            Some(c @ ('*' | '+' | '?' | '{')) => {
                self.at = start;
                let message = format!("nothing stands before `{c}` that could be repeated; `\\{c}` is the character");
                Err(self.wrong(message))
            }
            Some(c) => Ok(Tree::Class(Class::one(c))),
            None => Ok(Tree::Empty),
        }
    }

    fn group(&mut self, start: usize) -> Result<Tree, BadPattern> {
        if self.take('?') && !self.take(':') {
            self.at = start;
            return Err(self.wrong("of the `(?` forms only `(?:…)` is known"));
        }
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.wrong(format!("brackets are nested more than {DEPTH} deep")));
        }
        let tree = self.either()?;
        self.depth -= 1;
        if self.take(')') {
            return Ok(tree);
        }
        self.at = start;
        Err(self.wrong("a `(` without its `)`"))
    }

    fn escape(&mut self, start: usize) -> Result<Class, BadPattern> {
        let digits = vec![('0', '9')];
        let word = vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
        let space = vec![('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')];
        let class = |negated, ranges| Ok(Class { negated, ranges });
        match self.next() {
            Some('d') => class(false, digits),
            Some('D') => class(true, digits),
            Some('w') => class(false, word),
            Some('W') => class(true, word),
            Some('s') => class(false, space),
            Some('S') => class(true, space),
            Some('n') => Ok(Class::one('\n')),
            Some('r') => Ok(Class::one('\r')),
            Some('t') => Ok(Class::one('\t')),
            Some(c) if c.is_ascii_punctuation() => Ok(Class::one(c)),
            _ => {
                self.at = start;
                Err(self.wrong("an unknown escape; known are `\\d \\w \\s \\D \\W \\S \\n \\r \\t` and signs"))
            }
        }
    }

    fn class(&mut self, start: usize) -> Result<Tree, BadPattern> {
        let mut class = Class { negated: self.take('^'), ranges: Vec::new() };
        loop {
            let at = self.at;
            match self.next() {
                None => {
                    self.at = start;
                    return Err(self.wrong("a `[` without its `]`"));
                }
                Some(']') if !class.ranges.is_empty() => return Ok(Tree::Class(class)),
                Some(']' | '[') => {
                    self.at = at;
                    return Err(self.wrong("a bracket inside `[…]` is written with a `\\` before it"));
                }
                Some('\\') => self.escaped_in_class(at, &mut class)?,
                Some(from) => self.range(from, at, &mut class)?,
            }
        }
    }

    fn escaped_in_class(&mut self, at: usize, class: &mut Class) -> Result<(), BadPattern> {
        let escaped = self.escape(at)?;
        match escaped.ranges.as_slice() {
            [(from, to)] if from == to && !escaped.negated => self.range(*from, at, class),
            _ if escaped.negated => {
                self.at = at;
                Err(self.wrong("`\\D`, `\\W` and `\\S` have no place inside `[…]`"))
            }
            _ => {
                class.ranges.extend(escaped.ranges);
                Ok(())
            }
        }
    }

    /// A character of a class, or a range that begins with it.
    fn range(&mut self, from: char, start: usize, class: &mut Class) -> Result<(), BadPattern> {
        let dash = self.at;
        if !self.take('-') || matches!(self.peek(), Some(']') | None) {
            self.at = dash;
            class.ranges.push((from, from));
            return Ok(());
        }
        let to = match self.next() {
            Some('\\') => {
                let at = self.at;
                let escaped = self.escape(at)?;
                escaped.ranges.first().filter(|(a, b)| a == b && !escaped.negated).map(|(a, _)| *a)
            }
            Some('[') | None => None,
            other => other,
        };
        match to {
            Some(to) if from <= to => {
                class.ranges.push((from, to));
                Ok(())
            }
            _ => {
                self.at = start;
                Err(self.wrong("a range inside `[…]` goes from a lower to a higher character"))
            }
        }
    }

    fn repeated(&mut self, tree: Tree) -> Result<Tree, BadPattern> {
        let start = self.at;
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => self.counts()?,
            _ => return Ok(tree),
        };
        // The sign, or the closing brace.
        self.next();
        // A lazy repetition finds the same texts.
        self.take('?');
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return Err(self.wrong("a repetition of a repetition needs brackets"));
        }
        if matches!(tree, Tree::Start | Tree::End) {
            self.at = start;
            return Err(self.wrong("`^` and `$` cannot be repeated"));
        }
        Ok(Tree::Repeat(Box::new(tree), least, most))
    }

    /// `{n}`, `{n,}` or `{n,m}`, up to the closing brace.
    fn counts(&mut self) -> Result<(u32, Option<u32>), BadPattern> {
        let start = self.at;
        self.next();
        let least = self.count();
        let most = if self.take(',') {
            if self.peek() == Some('}') { Some(None) } else { self.count().map(Some) }
        } else {
            least.map(Some)
        };
        match (least, most) {
            (Some(least), Some(most)) if self.peek() == Some('}') && most.is_none_or(|most| most >= least) => {
                Ok((least, most))
            }
            _ => {
                self.at = start;
                Err(self.wrong(format!("a repetition is `{{n}}`, `{{n,}}` or `{{n,m}}`, at most {MOST} times")))
            }
        }
    }

    fn count(&mut self) -> Option<u32> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.next();
        }
        self.text[start..self.at].parse().ok().filter(|count| *count <= MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).unwrap_or_else(|wrong| panic!("{pattern}: {wrong:?}")).is_found_in(text)
    }

    #[test]
    fn finds_what_it_should() {
        for (pattern, yes, no) in [
            ("abc", "xabcx", "ab"),
            ("^abc$", "abc", "abcd"),
            ("a.c", "abc", "a\nc"),
            ("a*b", "b", "a"),
            ("^a+b?$", "aa", "bb"),
            ("^(ab|cd)+$", "abcd", "abc"),
            ("^a{2}$", "aa", "aaa"),
            ("^a{2,}$", "aaa", "a"),
            ("^a{1,2}$", "aa", "aaa"),
            ("^[a-c_]+$", "ab_", "d"),
            ("^[^a-c]$", "d", "a"),
            (r"^\d+\.\d+$", "1.2", "1x2"),
            (r"^[\w.-]+$", "a-b.c", "a b"),
            (r"\s", " ", "x"),
            (r"^\S+\D\W$", "a!!", "a a"),
            ("^(?:a|)$", "", "b"),
            ("^(a*)*$", "aaa", "b"),
            ("^[a-]$", "-", "b"),
            ("x|^$", "", "y"),
            ("^é+$", "éé", "e"),
        ] {
            assert!(found(pattern, yes), "{pattern} in {yes}");
            assert!(!found(pattern, no), "{pattern} in {no}");
        }
    }

    #[test]
    fn says_where_a_pattern_is_wrong() {
        for (pattern, at) in [
            ("a(b", 1),
            ("a)", 1),
            ("*a", 0),
            ("a**", 2),
            ("[a", 0),
            ("[]", 1),
            ("[b-a]", 1),
            (r"\q", 0),
            ("a{2,1}", 1),
            ("a{999}", 1),
            ("(?=a)", 0),
            ("^*", 1),
            ("(a{200}){200}", 0),
        ] {
            assert_eq!(Pattern::new(pattern).map(|_| ()).map_err(|wrong| wrong.at), Err(at), "{pattern}");
        }
        assert!(Pattern::new(&"(".repeat(1000)).is_err());
    }

    #[test]
    fn takes_linear_time() {
        assert!(!found("^(a+)+$", &format!("{}b", "a".repeat(100_000))));
        let mut nothing = String::from("()");
        for _ in 0..20 {
            nothing = format!("({nothing}{{200}})");
        }
        assert!(found(&nothing, ""));
    }
}
