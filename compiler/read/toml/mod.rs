//! The TOML that we print, and no other.
//!
//! In: text. Out: a [`Node`] that borrows from it, or the first line that we would not have written, and why.
//! Never: dates, dotted keys before a value, tables that are opened again, other spellings.
//! Invariant: a text that is read is, byte for byte, what its tree is printed as. Time grows with the length alone.

mod strings;

use std::borrow::Cow;

use super::{Data, Node, Unreadable, keys::Keys, number};

/// The deepest nesting of lists and maps that is read.
pub const MAX_DEPTH: usize = 128;

type Read<T> = Result<T, Unreadable>;

/// Reads a text that was printed as TOML. The root is a map.
///
/// # Errors
/// The first line that differs from how a tree is printed.
pub fn parse(text: &str) -> Read<Node<'_>> {
    let mut reader =
        Reader { text, at: 0, line: 1, depth: 0, open: vec![Table::new(Cow::Borrowed(""), 1, Kind::Root)] };
    reader.comments()?;
    if reader.at < text.len() && reader.at > 0 {
        reader.next_line("an empty line is missing below the comments")?;
        if reader.at == text.len() {
            return reader.no("there is an empty line at the end");
        }
    }
    reader.tables()?;
    reader.close(1);
    let root = reader.open.pop().map(|table| table.entries).unwrap_or_default();
    Ok(Node { line: 1, data: Data::Map(root) })
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    depth: usize,
    /// The tables from the root to the one that is being read.
    open: Vec<Table<'t>>,
}

/// A table that is not complete.
struct Table<'t> {
    key: Cow<'t, str>,
    line: u32,
    kind: Kind,
    entries: Vec<(Cow<'t, str>, Node<'t>)>,
    keys: Keys<'t>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Root,
    /// Named by the headers of its sub-tables alone.
    Implied,
    Table,
    /// An item of a list of tables.
    Item,
}

impl<'t> Table<'t> {
    fn new(key: Cow<'t, str>, line: u32, kind: Kind) -> Table<'t> {
        Table { key, line, kind, entries: Vec::new(), keys: Keys::default() }
    }
}

impl<'t> Reader<'t> {
    fn no<T>(&self, message: &str) -> Read<T> {
        Err(Unreadable { line: self.line, message: message.to_owned() })
    }

    fn rest(&self) -> &'t [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn found(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what.as_bytes());
        self.at += if found { what.len() } else { 0 };
        found
    }

    fn take(&mut self, what: &str, otherwise: &str) -> Read<()> {
        if self.found(what) { Ok(()) } else { self.no(otherwise) }
    }

    fn next_line(&mut self, otherwise: &str) -> Read<()> {
        self.take("\n", otherwise)?;
        self.line = self.line.saturating_add(1);
        Ok(())
    }

    /// Lines of comments, which stand before everything else.
    fn comments(&mut self) -> Read<()> {
        while self.rest().first() == Some(&b'#') {
            let length = self.rest().iter().take_while(|byte| **byte != b'\n').count();
            let comment = &self.text[self.at..self.at + length];
            if comment != "#" && (comment.ends_with(' ') || !comment.starts_with("# ")) {
                return self.no("a comment is `# ` and text, or `#` alone");
            }
            if comment.chars().any(char::is_control) {
                return self.no("there is a control character in the comment");
            }
            self.at += length;
            self.next_line("a line break is missing behind the comment")?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Read<()> {
        let start = self.at;
        while self.at < self.text.len() {
            let entry = !matches!(self.rest(), [b'\n' | b'[', ..]);
            if entry {
                self.entry()?;
                continue;
            }
            if self.at > start {
                self.next_line("an empty line is missing before the table")?;
            }
            self.header()?;
        }
        Ok(())
    }

    /// A line with a key and its value, in the innermost table.
    fn entry(&mut self) -> Read<()> {
        let line = self.line;
        let key = self.key()?;
        self.take(" = ", "an equals sign between blanks is missing behind the key")?;
        let data = self.value()?;
        let is_table = |node: &Node| matches!(node.data, Data::Map(_));
        match &data {
            Data::Map(_) => return self.no("the table has no header of its own"),
            Data::List(items) if !items.is_empty() && items.iter().all(is_table) => {
                return self.no("the tables of the list have no headers of their own");
            }
            _ => {}
        }
        self.next_line("there is something behind the value")?;
        self.add(line, key, data)
    }

    /// Adds an entry to the innermost table.
    fn add(&mut self, line: u32, key: Cow<'t, str>, data: Data<'t>) -> Read<()> {
        let Some(table) = self.open.last_mut() else { return Ok(()) };
        if !table.keys.are_without(&key, &table.entries) {
            return Err(Unreadable { line, message: "the table has the key of this line already".to_owned() });
        }
        table.entries.push((key, Node { line, data }));
        Ok(())
    }

    /// The header of a table, which opens that table.
    fn header(&mut self) -> Read<()> {
        self.take("[", "a table's header is missing")?;
        let item = self.found("[");
        let mut path = vec![self.key()?];
        while self.found(".") {
            path.push(self.key()?);
            if path.len() > MAX_DEPTH {
                return self.no("tables nest too deep");
            }
        }
        self.take(if item { "]]" } else { "]" }, "the header does not end")?;
        let same = self.open[1..].iter().zip(&path).take_while(|(table, key)| table.key == **key).count();
        if same == path.len() {
            if !item || self.open[same].kind != Kind::Item {
                return self.no("the table stands here already, or its sub-tables do");
            }
            self.close(same);
            let key = path.swap_remove(same - 1);
            self.open.push(Table::new(key, self.line, Kind::Item));
        } else {
            self.close(same + 1);
            self.open_below(path, same, if item { Kind::Item } else { Kind::Table })?;
        }
        self.next_line("there is something behind the header")
    }

    /// Opens what `path` names beyond its first `same` keys, which are open.
    fn open_below(&mut self, path: Vec<Cow<'t, str>>, same: usize, kind: Kind) -> Read<()> {
        let last = path.len() - 1;
        for (at, key) in path.into_iter().enumerate().skip(same) {
            let Some(table) = self.open.last_mut() else { continue };
            if table.kind == Kind::Table && table.entries.is_empty() {
                return self.no("the table above has a header and nothing in it but tables");
            }
            if !table.keys.are_without(&key, &table.entries) {
                return self.no("the table stands further above already, or a value with its name does");
            }
            self.open.push(Table::new(key, self.line, if at == last { kind } else { Kind::Implied }));
        }
        Ok(())
    }

    /// Completes the innermost tables until `count` are open.
    fn close(&mut self, count: usize) {
        while self.open.len() > count {
            let (Some(table), Some(parent)) = (self.open.pop(), self.open.last_mut()) else { return };
            let node = Node { line: table.line, data: Data::Map(table.entries) };
            match parent.entries.last_mut() {
                Some((key, Node { data: Data::List(items), .. })) if table.kind == Kind::Item && *key == table.key => {
                    items.push(node);
                }
                _ if table.kind == Kind::Item => {
                    let list = Node { line: table.line, data: Data::List(vec![node]) };
                    parent.entries.push((table.key, list));
                }
                _ => parent.entries.push((table.key, node)),
            }
        }
    }

    fn key(&mut self) -> Read<Cow<'t, str>> {
        if let [b'"' | b'\'', ..] = self.rest() {
            return match strings::key(&self.text[self.at..]) {
                Some((key, length)) => {
                    self.at += length;
                    Ok(key)
                }
                None => self.no("the key is not spelled as printed keys are"),
            };
        }
        let length = self.rest().iter().take_while(|byte| strings::is_bare(**byte)).count();
        if length == 0 {
            return self.no("a key is missing");
        }
        self.at += length;
        Ok(Cow::Borrowed(&self.text[self.at - length..self.at]))
    }

    fn value(&mut self) -> Read<Data<'t>> {
        match self.rest() {
            [b'"' | b'\'', ..] => self.string(),
            [b'[', ..] => self.nested(Reader::list),
            [b'{', ..] => self.nested(Reader::map),
            _ => self.word(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Data<'t>>) -> Read<Data<'t>> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.no("lists and tables nest too deep");
        }
        let data = read(self)?;
        self.depth -= 1;
        Ok(data)
    }

    fn string(&mut self) -> Read<Data<'t>> {
        match strings::value(&self.text[self.at..]) {
            Some((text, length)) => {
                let lines = self.rest()[..length].iter().filter(|byte| **byte == b'\n').count();
                self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
                self.at += length;
                Ok(Data::String(text))
            }
            None => self.no("the text is not spelled as printed texts are"),
        }
    }

    fn list(&mut self) -> Read<Data<'t>> {
        let mut items = Vec::new();
        if self.found("]") {
            return Ok(Data::List(items));
        }
        loop {
            let line = self.line;
            items.push(Node { line, data: self.value()? });
            if self.found("]") {
                return Ok(Data::List(items));
            }
            self.take(", ", "a comma and a blank, or the end of the list, are missing")?;
        }
    }

    fn map(&mut self) -> Read<Data<'t>> {
        let (mut entries, mut keys) = (Vec::new(), Keys::default());
        if self.found("}") {
            return Ok(Data::Map(entries));
        }
        loop {
            self.take(" ", "a blank is missing within the table")?;
            let line = self.line;
            let key = self.key()?;
            if !keys.are_without(&key, &entries) {
                return self.no("the table has the key already");
            }
            self.take(" = ", "an equals sign between blanks is missing behind the key")?;
            let data = self.value()?;
            entries.push((key, Node { line, data }));
            if self.found(" }") {
                return Ok(Data::Map(entries));
            }
            self.take(",", "a comma, or the end of the table, is missing")?;
        }
    }

    fn word(&mut self) -> Read<Data<'t>> {
        let length = self.rest().iter().take_while(|byte| !matches!(byte, b',' | b'\n' | b']' | b'}' | b' ')).count();
        let word = self.text.get(self.at..self.at + length).unwrap_or_default();
        let data = match word {
            "true" => Data::Bool(true),
            "false" => Data::Bool(false),
            _ => match number::printed_in_toml(word) {
                Some(number) => number,
                None => return self.no("a value is missing, or not spelled as printed values are"),
            },
        };
        self.at += length;
        Ok(data)
    }
}
