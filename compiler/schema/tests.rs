//! What stack authors get wrong.
