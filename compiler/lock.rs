//! `trueline.lock`: what an output folder holds, and what it was made from.
//!
//! In: file bytes, digests and declared differences; or the text of a lock that anybody may have written.
//! Out: the text of a lock; or a [`Lock`] whose paths are safe to join to the output folder.
//! Never: the disk, the compiler's version, how bytes came to be.
//! Invariant: equal inputs give equal text, whatever their order; a path in a [`Lock`] obeys [`path_problem`].
//!
//! ```text
//! trueline lock 1
//! stack DEPLOYMENT STACK VERSION DIGEST
//! settings DIGEST
//! difference DEPLOYMENT KIND TARGET "SUBJECT" "REASON"
//! file DIGEST SIZE PATH
//! lock DIGEST
//! ```
//! The last line is the digest of the lines above it. A digest is BLAKE3 as 64 hexadecimal digits. Every kind of line stands in order, so that two branches
//! which change different files can be merged line by line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::visible::{is_hidden, visible_json};

/// The name of the file, below `out/ENV`.
pub const NAME: &str = "trueline.lock";

/// The most bytes that a lock may have: room for about thirty thousand files.
pub const MAX_BYTES: usize = 4 << 20;

const FORMAT: &str = "trueline lock 1";

/// BLAKE3 of some bytes, printed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Digest([u8; 32]);

/// The digest of `bytes`.
#[must_use]
pub fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

impl Digest {
    /// The digest that is spelt by 64 lower-case hexadecimal digits, and by nothing else.
    #[must_use]
    pub fn read(text: &str) -> Option<Digest> {
        let lower_case = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 64 && lower_case)
            .then(|| blake3::Hash::from_hex(text).ok())?
            .map(|hash| Digest(*hash.as_bytes()))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// The stack that a deployment is an instance of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StackLine {
    /// The deployment: a DNS label.
    pub deployment: String,
    /// The stack: a name without blanks.
    pub stack: String,
    /// The stack's version, without blanks.
    pub version: String,
    /// The digest of the stack as it was understood, not of its text.
    pub digest: Digest,
}

/// A way in which two targets differ on purpose.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Difference {
    /// The deployment: a DNS label.
    pub deployment: String,
    /// `absent`, `allow`, `override`, `raw`, `fixed` or `unsaid`.
    pub kind: String,
    /// The target or chart, or what is allowed; without blanks.
    pub target: String,
    /// The setting or fact that differs, and how; any text.
    pub subject: String,
    /// The reason that was given; any text.
    pub because: String,
}

/// The bytes that a file had when it was written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// How many bytes.
    pub size: u64,
    /// Their digest.
    pub digest: Digest,
}

impl Entry {
    /// What a lock says of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Entry {
        Entry { size: bytes.len() as u64, digest: digest(bytes) }
    }
}

/// The text of a lock. `files` are all files of the folder but the lock itself, as path and bytes.
///
/// The order of what is passed does not matter, and what is passed twice is written once.
#[must_use]
pub fn text<'a>(
    stacks: &[StackLine],
    settings: Digest,
    differences: &[Difference],
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> String {
    let mut lines = format!("{FORMAT}\n");
    for StackLine { deployment, stack, version, digest } in stacks.iter().collect::<BTreeSet<_>>() {
        _ = writeln!(lines, "stack {deployment} {stack} {version} {digest}");
    }
    _ = writeln!(lines, "settings {settings}");
    for Difference { deployment, kind, target, subject, because } in differences.iter().collect::<BTreeSet<_>>() {
        _ = writeln!(lines, "difference {deployment} {kind} {target} {} {}", quoted(subject), quoted(because));
    }
    let files: BTreeMap<&str, Entry> = files.into_iter().map(|(path, bytes)| (path, Entry::of(bytes))).collect();
    for (path, entry) in files {
        _ = writeln!(lines, "file {} {} {path}", entry.digest, entry.size);
    }
    let seal = digest(lines.as_bytes());
    _ = writeln!(lines, "lock {seal}");
    lines
}

/// A JSON string of one line, in ASCII where a reader could be fooled.
fn quoted(text: &str) -> String {
    visible_json(&serde_json::Value::from(text).to_string()).into_owned()
}

/// A lock that was read. Every path obeys [`path_problem`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lock {
    /// The stacks, sorted.
    pub stacks: BTreeSet<StackLine>,
    /// The digests of the settings; one, or two in a lock with conflict markers.
    pub settings: BTreeSet<Digest>,
    /// The declared differences, sorted.
    pub differences: BTreeSet<Difference>,
    /// What each file may hold; one entry, or two in a lock with conflict markers.
    pub files: BTreeMap<String, BTreeSet<Entry>>,
    /// Whether the text held conflict markers, and this is the union of both sides.
    pub conflicted: bool,
    /// Whether the last line is the digest of the lines above it; not so in a lock that was edited or merged.
    pub sealed: bool,
}

impl Lock {
    /// Whether the file of this path may hold these bytes.
    #[must_use]
    pub fn knows(&self, path: &str, bytes: &[u8]) -> bool {
        self.files.get(path).is_some_and(|entries| {
            entries.iter().any(|entry| entry.size == bytes.len() as u64) && entries.contains(&Entry::of(bytes))
        })
    }
}

/// Why a text is no lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockError {
    /// The line, from 1; of one side, where the text has conflict markers.
    pub line: usize,
    /// What was found and what was wanted; text from the lock is quoted safely.
    pub message: String,
}

/// Reads a lock, which may come from anybody. With conflict markers, both sides are read and united.
///
/// # Errors
/// Anything but the lines that [`text`] writes: another format, a path that could lead elsewhere, a path
/// twice (also by upper and lower case), more than [`MAX_BYTES`].
pub fn parse(text: &str) -> Result<Lock, LockError> {
    if text.len() > MAX_BYTES {
        return Err(LockError { line: 1, message: format!("more than {MAX_BYTES} bytes") });
    }
    let Some((ours, theirs)) = sides(text) else { return parse_side(text) };
    let mut lock = parse_side(&ours)?;
    let other = parse_side(&theirs)?;
    (lock.conflicted, lock.sealed) = (true, false);
    lock.stacks.extend(other.stacks);
    lock.settings.extend(other.settings);
    lock.differences.extend(other.differences);
    for (path, entries) in other.files {
        lock.files.entry(path).or_default().extend(entries);
    }
    Ok(lock)
}

/// The two texts that a merge with conflict markers was made from, or none where there are no markers or
/// they are not in order. What was common before (`|||||||`) is left out.
#[must_use]
pub fn sides(text: &str) -> Option<(String, String)> {
    #[derive(PartialEq)]
    enum In {
        Both,
        Ours,
        Base,
        Theirs,
    }
    if !text.contains("<<<<<<< ") {
        return None;
    }
    let (mut ours, mut theirs) = (String::new(), String::new());
    let (mut state, mut found) = (In::Both, false);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        match state {
            In::Both if bare.starts_with("<<<<<<< ") => (state, found) = (In::Ours, true),
            In::Ours if bare.starts_with("||||||| ") || bare == "|||||||" => state = In::Base,
            In::Ours | In::Base if bare == "=======" => state = In::Theirs,
            In::Theirs if bare.starts_with(">>>>>>> ") => state = In::Both,
            In::Both => {
                ours.push_str(line);
                theirs.push_str(line);
            }
            In::Ours => ours.push_str(line),
            In::Base => {}
            In::Theirs => theirs.push_str(line),
        }
    }
    (found && state == In::Both).then_some((ours, theirs))
}

fn parse_side(text: &str) -> Result<Lock, LockError> {
    let mut lock = Lock::default();
    let mut folded = BTreeSet::new();
    let mut lines = text.lines().enumerate();
    match lines.next() {
        Some((_, FORMAT)) => {}
        Some((_, other)) => {
            return Err(LockError { line: 1, message: format!("found {}, wanted `{FORMAT}`", shown(other)) });
        }
        None => return Err(LockError { line: 1, message: "the file is empty".into() }),
    }
    for (index, line) in lines {
        parse_line(line, &mut lock, &mut folded).map_err(|message| LockError { line: index + 1, message })?;
    }
    lock.sealed = is_sealed(text);
    Ok(lock)
}

/// Whether the last line is the digest of the lines above it, whatever line ends they were given since.
fn is_sealed(text: &str) -> bool {
    let text = text.replace("\r\n", "\n");
    let Some((above, last)) = text.strip_suffix('\n').and_then(|text| text.rsplit_once('\n')) else { return false };
    last == format!("lock {}", digest(format!("{above}\n").as_bytes()))
}

fn parse_line(line: &str, lock: &mut Lock, folded: &mut BTreeSet<String>) -> Result<(), String> {
    let unreadable = || format!("found {}, wanted a line that a compile writes", shown(line));
    let (kind, rest) = line.split_once(' ').ok_or_else(unreadable)?;
    match kind {
        "file" => {
            let (path, entry) = file_line(rest).ok_or_else(unreadable)?;
            if let Some(problem) = path_problem(path) {
                return Err(format!("the path {} {problem}", shown(path)));
            }
            if !folded.insert(fold(path)) {
                return Err(format!("the path {} stands twice, if case is ignored", shown(path)));
            }
            lock.files.insert(path.to_owned(), BTreeSet::from([entry]));
        }
        "settings" => _ = lock.settings.insert(Digest::read(rest).ok_or_else(unreadable)?),
        "stack" => _ = lock.stacks.insert(stack_line(rest).ok_or_else(unreadable)?),
        "difference" => _ = lock.differences.insert(difference_line(rest).ok_or_else(unreadable)?),
        // Two of them stand in a lock that was merged by hand, which is a lock all the same.
        "lock" => _ = Digest::read(rest).ok_or_else(unreadable)?,
        _ => return Err(unreadable()),
    }
    Ok(())
}

fn file_line(rest: &str) -> Option<(&str, Entry)> {
    let (digest, rest) = rest.split_once(' ')?;
    let (size, path) = rest.split_once(' ')?;
    let size = size.bytes().all(|byte| byte.is_ascii_digit()).then(|| size.parse().ok())??;
    Some((path, Entry { size, digest: Digest::read(digest)? }))
}

fn stack_line(rest: &str) -> Option<StackLine> {
    let [deployment, stack, version, digest] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let digest = Digest::read(digest)?;
    Some(StackLine { deployment: word(deployment)?, stack: word(stack)?, version: word(version)?, digest })
}

fn difference_line(rest: &str) -> Option<Difference> {
    let mut words = rest.splitn(4, ' ');
    let (deployment, kind, target) = (word(words.next()?)?, word(words.next()?)?, word(words.next()?)?);
    let mut texts = serde_json::Deserializer::from_str(words.next()?).into_iter::<String>();
    let (subject, because) = (texts.next()?.ok()?, texts.next()?.ok()?);
    texts.next().is_none().then_some(Difference { deployment, kind, target, subject, because })
}

fn word(text: &str) -> Option<String> {
    (!text.is_empty() && !text.contains(char::is_whitespace) && !text.contains(is_hidden)).then(|| text.to_owned())
}

/// What is wrong with a path below `out/ENV`, or nothing: it must be relative, lead nowhere else, and be
/// a name on every file system that people use.
#[must_use]
pub fn path_problem(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > 1024 {
        return Some("is empty or longer than 1024 bytes");
    }
    if path.contains(|character: char| is_hidden(character) || matches!(character, '\n' | '\t')) {
        return Some("holds a control character");
    }
    if path.contains(['\\', ':', '*', '?', '"', '<', '>', '|']) {
        return Some("holds a character that some file systems refuse");
    }
    path.split('/').find_map(|part| match part {
        "" => Some("begins or ends with `/`, or has nothing between two"),
        "." | ".." => Some("leads through `.` or `..`"),
        _ if part.len() > 255 => Some("has a part of more than 255 bytes"),
        _ if part.ends_with(['.', ' ']) || part.starts_with(' ') => {
            Some("has a part that begins with a blank or ends with a blank or dot")
        }
        _ => None,
    })
}

/// The form in which two paths are equal that one file system may hold as one.
#[must_use]
pub fn fold(path: &str) -> String {
    path.to_lowercase()
}

/// Text from a lock, cut and made safe to show.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    format!("`{}`", crate::visible::visible_line(&cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> String {
        let stack = |name: &str| StackLine {
            deployment: name.into(),
            stack: "aeterna".into(),
            version: "1".into(),
            digest: digest(b"stack"),
        };
        let difference = Difference {
            deployment: "aeterna".into(),
            kind: "override".into(),
            target: "compose".into(),
            subject: "app.size = \"small\"".into(),
            because: "a laptop\nruns\u{202e} the small size".into(),
        };
        text(
            &[stack("two"), stack("one")],
            digest(b"{}"),
            &[difference.clone(), difference],
            [("b/file.yaml", b"b".as_slice()), ("a.json", b"a".as_slice())],
        )
    }

    fn file_of(path: &str) -> String {
        format!("{FORMAT}\nfile {} 1 {path}\n", digest(b"x"))
    }

    #[test]
    fn what_is_written_is_read_back_and_sorted() {
        let written = sample();
        let lock = parse(&written).expect("our own text");
        assert!(written.is_ascii(), "{written}");
        assert_eq!(lock.files.keys().collect::<Vec<_>>(), ["a.json", "b/file.yaml"]);
        assert_eq!(lock.stacks.iter().map(|line| line.deployment.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(lock.differences.len(), 1);
        assert_eq!(lock.differences.first().expect("one").because, "a laptop\nruns\u{202e} the small size");
        assert!(lock.knows("a.json", b"a") && !lock.knows("a.json", b"b") && !lock.knows("c", b"a"));
        assert!(!lock.conflicted);
    }

    #[test]
    fn the_text_is_fixed() {
        let lock = text(&[], digest(b"{}"), &[], [("a", b"".as_slice())]);
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        let lines = format!("trueline lock 1\nsettings {}\nfile {empty} 0 a\n", digest(b"{}"));
        assert_eq!(lock, format!("{lines}lock {}\n", digest(lines.as_bytes())));
    }

    #[test]
    fn hostile_paths_are_refused() {
        for path in [
            "/etc/passwd",
            "../x",
            "a/../x",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "",
            "a\\b",
            "C:x",
            "a\u{1b}[2Jb",
            "a\u{202e}b",
            "a. ",
            "a.",
            " a",
            "a\tb",
        ] {
            assert!(parse(&file_of(path)).is_err(), "{path:?}");
        }
        assert!(parse(&file_of(&"a".repeat(256))).is_err());
        assert!(parse(&file_of(&"a/".repeat(600))).is_err());
        assert!(parse(&file_of("aeterna/helm/values.yaml")).is_ok());
        assert!(parse(&file_of("..a/b..c")).is_ok());
    }

    #[test]
    fn a_path_stands_once_whatever_its_case() {
        let hash = digest(b"x");
        let twice = |a: &str, b: &str| parse(&format!("{FORMAT}\nfile {hash} 1 {a}\nfile {hash} 1 {b}\n"));
        assert!(twice("a/b", "a/b").is_err());
        assert!(twice("a/b", "A/B").is_err());
        assert!(twice("ä", "Ä").is_err());
        assert!(twice("a", "b").is_ok());
    }

    #[test]
    fn other_lines_are_refused_with_their_number() {
        let hash = digest(b"x").to_string();
        for line in [
            "".to_owned(),
            "file".into(),
            "rm -rf /".into(),
            format!("file {hash} -1 a"),
            format!("file {hash} +1 a"),
            format!("file {hash} 99999999999999999999 a"),
            format!("file {} 1 a", hash.to_uppercase()),
            format!("file {} 1 a", &hash[1..]),
            format!("settings {hash} x"),
            format!("stack a b {hash}"),
            format!("stack a  1 {hash}"),
            "difference a override compose \"x\"".into(),
            "difference a override compose \"x\" \"y\" \"z\"".into(),
            "difference a override compose \"x\" \"y".into(),
        ] {
            let error = parse(&format!("{FORMAT}\n{line}\n")).expect_err(&line);
            assert_eq!(error.line, 2, "{line}");
        }
        assert!(parse("").is_err());
        assert!(parse("trueline lock 2\n").is_err());
        assert!(parse(&" ".repeat(MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn messages_show_no_control_characters() {
        let error = parse("trueline lock 1\n\u{1b}]0;owned\u{7}\n").expect_err("no such line");
        assert!(!error.message.contains('\u{1b}') && error.message.contains("\\u{1b}"), "{}", error.message);
    }

    #[test]
    fn conflict_markers_give_the_union_of_both_sides() {
        let line = |bytes: &[u8], path: &str| format!("file {} {} {path}\n", digest(bytes), bytes.len());
        let (same, ours, base, theirs) = (line(b"s", "same"), line(b"o", "x"), line(b"b", "x"), line(b"t", "X"));
        for middle in [String::new(), format!("||||||| 1234567\n{base}")] {
            let text = format!("{FORMAT}\n{same}<<<<<<< HEAD\n{ours}{middle}=======\n{theirs}>>>>>>> topic\n");
            let lock = parse(&text).expect("both sides are locks");
            assert!(lock.conflicted);
            assert_eq!(lock.files.keys().collect::<Vec<_>>(), ["X", "same", "x"]);
            assert!(lock.knows("x", b"o") && lock.knows("X", b"t") && !lock.knows("x", b"b"));
        }
        assert!(parse(&format!("{FORMAT}\n<<<<<<< HEAD\n{ours}=======\n{theirs}")).is_err(), "never closed");
        assert!(parse(&format!("{FORMAT}\n=======\n{theirs}")).is_err(), "never opened");
    }

    #[test]
    fn a_changed_byte_is_seen() {
        let written = sample();
        assert!(parse(&written).expect("our own text").sealed);
        for at in 0..written.len() {
            let mut bytes = written.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(!parse(&changed).is_ok_and(|lock| lock.sealed), "{at}: {changed}");
        }
        for length in 0..written.len() {
            assert!(!parse(&written[..length]).is_ok_and(|lock| lock.sealed), "{length}");
        }
    }

    #[test]
    fn line_ends_of_another_system_are_read() {
        assert_eq!(parse(&sample().replace('\n', "\r\n")), parse(&sample()));
    }
}
