//! Where a walk leaves what it finds.

use super::census::Census;
use super::record::Record;

/// Takes what a walk has to say, in this process or through the pipe.
pub(super) trait Sink {
    /// What was counted before this walk began.
    fn census(&self) -> &Census;

    /// Takes one record.
    fn put(&mut self, record: Record<'_>);
}
