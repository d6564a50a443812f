//! The table of codes. A code is never reused; blocks of a hundred belong to a module:
//! 00 syntax, 01 names and forms, 02 values, 03 expressions, 04 stacks, 05 resolving, 06 rules and checks,
//! 07 ledger, 08 lowering, 09 targets and second interpreters, 10 output folder and lock.

use super::{Code, Severity};

macro_rules! codes {
    ($($id:literal $name:ident $severity:ident $title:literal;)*) => {
        $(#[doc = $title] pub static $name: Code = Code { id: $id, severity: Severity::$severity, title: $title };)*
        /// All codes, by id.
        pub static CODES: &[&Code] = &[$(&$name),*];
        /// The page of every code: its id, and `docs/errors/TLnnnn.md`. A code without a page does not compile.
        pub static PAGES: &[(&str, &str)] = &[$(($id, include_str!(concat!("../../docs/errors/", $id, ".md")))),*];
    };
}

codes! {
    // syntax
    "TL0001" SYNTAX Error "the text is not KDL";
    "TL0002" TEXT_TOO_LARGE Error "the text is too large";
    "TL0003" TOO_DEEP Error "blocks nest too deeply";
    "TL0004" REFUSED_CHARACTER Error "a character that nobody would see";
    "TL0005" UNBALANCED_BRACE Error "a brace has no partner";
    "TL0006" UNCLOSED Error "a string or comment is not closed";
    "TL0007" BAD_ESCAPE Error "a backslash escapes nothing";
    "TL0008" BAD_LINES Error "a multi-line string is not laid out as one";
    "TL0009" REPEATED_PROPERTY Error "a property is written twice";
    "TL0010" CUT_BY_COMMENT Error "a comment begins inside a word";
    "TL0011" COLON Error "a colon does not separate a name from its value";
    "TL0012" ASSIGNMENT Error "an equals sign after a node's name";
    "TL0013" NO_PROPERTY_VALUE Error "a property has no value";
    "TL0014" SHELL_VARIABLE Error "shell variables are not known here";
    "TL0015" BARE_KEYWORD Error "a keyword needs `#`";
    "TL0016" BAD_KEYWORD Error "`#` begins no keyword and no string";
    "TL0017" OLD_RAW_STRING Error "a raw string as KDL 1 wrote it";
    "TL0018" UNQUOTED Error "this text needs quotes";
    "TL0019" COMMA Error "commas do not separate values";
    "TL0020" BRACKETS Error "lists have no brackets";
    "TL0021" SINGLE_QUOTES Error "strings stand between double quotes";
    "TL0022" LEADING_ZERO Error "a number begins with a zero";
    "TL0023" BAD_NUMBER Error "a number that cannot be held";
    "TL0024" NO_SPACE Error "two words run into each other";
    "TL0025" CONFLICT_MARKER Error "a merge conflict is not resolved";
    // names and forms
    // values
    // expressions
    // stacks
    // resolving
    // rules and checks
    // ledger
    // lowering
    // targets
    // output folder and lock
}

/// The code with this id.
#[must_use]
pub fn code(id: &str) -> Option<&'static Code> {
    CODES.binary_search_by(|code| code.id.cmp(id)).ok().map(|at| CODES[at])
}

/// The page of the code with this id, as Markdown.
#[must_use]
pub fn page(id: &str) -> Option<&'static str> {
    PAGES.binary_search_by(|(known, _)| (*known).cmp(id)).ok().map(|at| PAGES[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_unique_and_of_one_form() {
        assert!(CODES.is_sorted_by(|a, b| a.id < b.id), "ids are sorted and unique");
        for code in CODES {
            let digits = code.id.strip_prefix("TL").unwrap_or_default();
            assert!(digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{}", code.id);
            assert!(!code.title.ends_with('.') && !code.title.is_empty(), "{}", code.id);
            assert_eq!(super::code(code.id), Some(*code));
        }
        assert_eq!(super::code("TL9999"), None);
        assert_eq!(page("TL9999"), None);
    }

    #[test]
    fn every_code_has_a_page_of_the_right_form() {
        for code in CODES {
            let page = page(code.id).unwrap_or_default();
            assert_eq!(page.lines().next(), Some(format!("# {}: {}", code.id, code.title).as_str()));
            for heading in ["## Wrong", "## Right"] {
                let blocks = page
                    .split(heading)
                    .nth(1)
                    .map_or(0, |rest| rest.split("\n## ").next().unwrap_or_default().matches("\n```kdl\n").count());
                assert_eq!(blocks, 1, "{}: one block below `{heading}`", code.id);
            }
        }
    }
}
