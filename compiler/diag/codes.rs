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
    "TL1001" BAD_ENVIRONMENT_NAME Error "the name of an environment file is not a lower-case DNS label";
    "TL1002" UNREADABLE_FILE Error "a file of the project cannot be read";
    "TL1003" NOT_UTF8 Error "a file of the project is not UTF-8";
    "TL1004" FILE_TOO_LARGE Error "a file of the project is too large";
    "TL1005" WRONG_VERSION Error "the project asks for another version of the compiler";
    "TL1006" BAD_PROJECT_FILE Error "`trueline.kdl` says something unknown";
    "TL1010" EDITED_BY_HAND Error "an output file was edited by hand";
    "TL1011" IN_THE_WAY Error "a file that no compile wrote stands where output belongs";
    "TL1012" BAD_LOCK Warning "the lock cannot be read";
    "TL1013" STRAY_FILE Warning "a file in the output folder is not an output";
    "TL1014" LINK_IN_THE_WAY Error "a link or special file stands where output belongs";
    "TL1015" CANNOT_WRITE Error "the output folder cannot be written";
    "TL1016" UNSAFE_PATH Error "an output path is not safe on every system";
    "TL1017" FORGOTTEN_OUTPUT Warning "an output folder has no environment";
}
