//! A command line into words, as Compose takes one apart.

/// The words of a command line: blanks separate, quotes and backslashes hold together.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some('"') | None, '\\') => match chars.next() {
                Some(next) if quote.is_some() && !matches!(next, '"' | '\\' | '$' | '`') => {
                    word.get_or_insert_default().extend(['\\', next]);
                }
                Some('\n') | None => {}
                Some(next) => word.get_or_insert_default().push(next),
            },
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words("redis-server --appendonly yes"), ["redis-server", "--appendonly", "yes"]);
        assert_eq!(words(r#"sh -c "a b" 'c "d"' e\ f """#), ["sh", "-c", "a b", "c \"d\"", "e f", ""]);
        assert_eq!(words("a \\\n  b"), ["a", "b"]);
        assert!(words("  ").is_empty());
    }
}
