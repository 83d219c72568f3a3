//! Raw access to managed memory: words at named byte offsets. Floors above say what a word means.

use core::ptr::NonNull;

/// Bytes in a word.
pub(crate) const WORD: usize = size_of::<usize>();

/// The word `index` words after `base`.
///
/// # Safety
/// The word lies in the same allocation as `base`.
#[inline(always)]
pub(crate) unsafe fn word(base: NonNull<usize>, index: usize) -> NonNull<usize> {
    // SAFETY: the caller keeps the result inside the allocation.
    unsafe { base.add(index) }
}

/// The pointer `bytes` after `base`, seen as a `T`.
///
/// # Safety
/// The result lies in, or just past, the same allocation as `base`.
#[inline(always)]
pub(crate) unsafe fn after<T>(base: NonNull<u8>, bytes: usize) -> NonNull<T> {
    // SAFETY: the caller keeps the result inside the allocation.
    unsafe { base.byte_add(bytes).cast() }
}

/// The pointer `bytes` before `base`, seen as a `T`.
///
/// # Safety
/// The result lies in the same allocation as `base`.
#[inline(always)]
pub(crate) unsafe fn before<T>(base: NonNull<u8>, bytes: usize) -> NonNull<T> {
    // SAFETY: the caller keeps the result inside the allocation.
    unsafe { base.byte_sub(bytes).cast() }
}

/// Has the line of the cache with `address`, which need not be valid, read ahead of its use, where the processor can be told.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: nothing is read, as far as the program sees.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse")))]
    let _ = address;
}

/// Whether `ptr` is a multiple of `align`, a power of two: no division, though the compiler may not know that it is one.
#[inline(always)]
pub(crate) fn is_multiple(ptr: NonNull<u8>, align: usize) -> bool {
    ptr.addr().get() & (align - 1) == 0
}

/// Bytes from `base` up to `ptr`, which is not below it.
#[inline(always)]
pub(crate) fn distance(base: NonNull<u8>, ptr: NonNull<u8>) -> usize {
    ptr.addr().get().wrapping_sub(base.addr().get())
}

/// Whether an address lies in a block.
#[inline(always)]
pub(crate) fn holds(block: NonNull<[u8]>, address: usize) -> bool {
    address.wrapping_sub(block.addr().get()) < block.len()
}
