//! Findings as terminal text.
