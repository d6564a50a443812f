//! The table of codes. A code is never reused; blocks of a hundred belong to a module:
//! 00 syntax, 01 names and forms, 02 values, 03 expressions, 04 stacks, 05 resolving, 06 rules and checks,
//! 07 ledger, 08 lowering, 09 targets and second interpreters, 10 output folder and lock.

use super::{Code, Severity};

macro_rules! codes {
    ($($id:literal $name:ident $severity:ident $title:literal;)*) => {
        $(#[doc = $title] pub static $name: Code = Code { id: $id, severity: Severity::$severity, title: $title };)*
        /// All codes, by id.
        pub static CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    // syntax
    "TL0001" SYNTAX Error "the text is not KDL";
    // names and forms
    // values
    // expressions
    "TL0300" EXPRESSION Error "a text is not an expression";
    "TL0301" UNKNOWN_NAME Error "a path names nothing";
    "TL0302" NOT_A_PATH Error "an expression stands where a path is wanted";
    "TL0303" BRACES Error "the braces of a text do not fit";
    "TL0304" CROWDED_MINUS Error "a subtraction lacks its blanks";
    "TL0305" UNKNOWN_FUNCTION Error "there is no such function";
    "TL0306" ARGUMENTS Error "a function is called with the wrong arguments";
    "TL0307" WRONG_KIND Error "an expression is of another type than its place needs";
    "TL0308" OPERANDS Error "an operator cannot work on these types";
    "TL0309" NOT_ONE_OF Error "a constant is none of the words that it is compared with";
    "TL0310" NOT_EXHAUSTIVE Error "a map does not say what every word becomes";
    "TL0311" NOT_A_VALUE Error "a name that only begins paths stands alone";
    "TL0312" BAD_CONSTANT Error "a constant amount cannot be read";
    "TL0313" BAD_PATTERN Error "a regular expression cannot be read";
    "TL0314" HIDDEN_NAME Error "a variable hides a name";
    "TL0315" EXPRESSION_TOO_LARGE Error "an expression is too long or too deep";
    "TL0316" NO_RESULT Error "an expression has no result";
    "TL0317" OUT_OF_STEPS Error "an expression takes too many steps";
    // stacks
    // resolving
    // rules and checks
    // ledger
    // lowering
    // targets
    // output folder and lock
}
