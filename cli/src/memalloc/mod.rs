//! The workbench: replaying allocation traces, and drawing the heaps they leave.
//!
//! ```text
//!   options ─▶ Config ─▶ run ─┬▶ input ─▶ trace
//!                             ├▶ replay ─▶ subject, verify       ─▶ report
//!                             └▶ draw ─▶ picture                 ─▶ terminal, svg
//! ```

mod draw;
mod harmless;
mod input;
mod options;
mod overview;
mod picture;
mod replay;
mod report;
mod run;
mod subject;
mod supply;
mod svg;
mod terminal;
mod trace;
mod verify;

pub(crate) use options::Config;
pub(crate) use run::run;
