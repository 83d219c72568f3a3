//! The system's clocks, read by the C library: where the kernel's page of clocks is hidden, as under valgrind, it knows.

use core::time::Duration;

/// In [`milliseconds`].
pub(crate) const SECOND: u64 = 1000;

/// Milliseconds of a clock that only goes forward, at a tick's precision.
pub(crate) fn milliseconds() -> u64 {
    let time = read(libc::CLOCK_MONOTONIC_COARSE);
    time.as_secs() * SECOND + u64::from(time.subsec_millis())
}

/// What processors have spent on this process.
pub(crate) fn processor_time() -> Duration {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes the time there. These clocks are there, so that nothing fails and sets `errno`.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_forward() {
        let (then, before) = (milliseconds(), processor_time());
        while processor_time() < before + Duration::from_millis(30) {}
        assert!(then > 0 && (then + 1..then + 3600 * SECOND).contains(&milliseconds()));
    }
}
