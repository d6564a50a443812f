//! All tests that need the whole program; one binary, so that it is linked once.

mod diag;
