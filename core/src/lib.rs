//! An allocator for kernels, firmware and programs: `no_std`, in real-time mode O(1) in the worst case, and every bad free is
//! answered.
//!
//! The memory of a [`PageSource`] is cut in **granules** of two words, or one in a [`compact`](Heap::compact) heap. A
//! **chunk** is a whole number of granules. All that must be known of a chunk in use stands in a **map**, two bits a
//! granule (four in a [`LocalHeap`]), at the start of its span; in itself it keeps nothing, so that 16 bytes cost 16. A free
//! chunk keeps its links and its size in its first granules and its size again in its **footer**, its last word, where its
//! upper neighbour finds it when the two coalesce.
//!
//! What follows from this: whether a pointer is the start of a block in use is known exactly, so every bad free is a
//! [`FreeError`] and changes nothing; a block overrun cannot corrupt what says where chunks are; a neighbour's memory is
//! touched only when it is free. What the map cannot see is a use after free.
//!
//! ```text
//!   floor 9  remote   frees from elsewhere
//!         8  local    LocalHeap: a heap for each thread or processor
//!         7  heap     Heap: allocate, deallocate, grow and shrink in place
//!         6  quick    small blocks that wait, not yet coalesced
//!         5  span     header, map and granules of one block
//!         4  bins     free chunks by size class, found in O(1)
//!         3  chunk    a free chunk's links, size and footer
//!         2  map      where chunks start, and which are free
//!         1  source   where memory comes from
//! ```
//!
//! Each floor is a module that works by those below it. [`LockedHeap`] (feature `lock_api`) is a heap for
//! `#[global_allocator]`; [`inspect`] walks a heap and checks it.
//!
//! ```
//! use core::alloc::Layout;
//! use core::mem::MaybeUninit;
//! use memalloc_core::{ArenaSource, FreeError, Heap};
//!
//! let arena = Box::leak(Box::new([MaybeUninit::uninit(); 64 << 10]));
//! let mut heap = Heap::real_time(ArenaSource::new(arena));
//!
//! let layout = Layout::new::<[u8; 48]>();
//! let block = heap.allocate(layout).ok_or("out of memory")?;
//! // SAFETY: the block is not used below.
//! unsafe {
//!     heap.deallocate_sized(block, layout)?;
//!     assert_eq!(heap.deallocate_sized(block, layout), Err(FreeError::AlreadyFree));
//! }
//! assert_eq!(heap.check(), Ok(()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where a heap lies, and its memory
//!
//! In a **static**, behind any mutex; as the program's global allocator, in a [`LockedHeap`]. Nothing runs before the first
//! request, and the arena takes no room in the program's file:
//!
//! ```
//! use core::alloc::Layout;
//! use core::mem::MaybeUninit;
//! use std::sync::Mutex;
//! use memalloc_core::{ArenaSource, Heap};
//!
//! static mut ARENA: [MaybeUninit<u8>; 64 << 10] = [MaybeUninit::uninit(); 64 << 10];
//! static HEAP: Mutex<Heap<ArenaSource>> =
//!     // SAFETY: nothing else uses the arena.
//!     Mutex::new(Heap::new(ArenaSource::new(unsafe { &mut *&raw mut ARENA })));
//!
//! let block = HEAP.lock()?.allocate(Layout::new::<[u64; 100]>()).ok_or("out of memory")?;
//! // SAFETY: the block is not used below.
//! unsafe { HEAP.lock()?.deallocate(block)? };
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Over an array on the **stack**, with all that was allocated gone when the function returns:
//!
//! ```
//! # use core::alloc::Layout;
//! # use core::mem::MaybeUninit;
//! # use memalloc_core::{ArenaSource, Heap};
//! let mut array = [MaybeUninit::<u8>::uninit(); 4096];
//! // SAFETY: the array outlives the heap, and nothing else uses it.
//! let source = unsafe { ArenaSource::from_raw(array.as_mut_ptr().cast(), array.len()) };
//! let mut heap = Heap::compact(source);
//! assert!(heap.allocate(Layout::new::<[u8; 3000]>()).is_some());
//! ```
//!
//! **Several arenas at once** are one heap, over a [`BlocksSource`], or a heap each, where it matters which memory a block is
//! in. A heap does not take another's block for its own:
//!
//! ```
//! # use core::alloc::Layout;
//! # use core::mem::MaybeUninit;
//! # use memalloc_core::{ArenaSource, FreeError, Heap};
//! # let [sram, sdram] = [4 << 10, 256 << 10].map(|size| vec![MaybeUninit::uninit(); size].leak());
//! let mut fast = Heap::compact(ArenaSource::new(sram));
//! let mut large = Heap::new(ArenaSource::new(sdram));
//! let layout = Layout::new::<[u8; 3000]>();
//! let first = fast.allocate(layout).ok_or("out of memory")?;
//! let second = fast.allocate(layout).or_else(|| large.allocate(layout)).ok_or("out of memory")?;
//! // SAFETY: the blocks are not used below.
//! unsafe {
//!     assert_eq!(fast.deallocate(second), Err(FreeError::NotOurs));
//!     assert_eq!(large.deallocate(second), Ok(()));
//!     assert_eq!(fast.deallocate(first), Ok(()));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A heap **grows** by what its source lends, a block at a time, and gives back what is entirely free. This one has blocks of
//! 64 KiB or more from the global allocator:
//!
//! ```
//! use core::alloc::Layout;
//! use core::ptr::NonNull;
//! use memalloc_core::{Heap, PageSource};
//!
//! struct Pages(Vec<NonNull<[u8]>>);
//!
//! // SAFETY: the allocator's blocks do not overlap, and stay where they are; those lent are listed.
//! unsafe impl PageSource for Pages {
//!     const ALIGN: usize = 4096;
//!     fn largest(&self) -> usize {
//!         1 << 20
//!     }
//!     unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
//!         let layout = Layout::from_size_align(min.max(64 << 10), Self::ALIGN).ok()?;
//!         // SAFETY: the size is not 0.
//!         let start = NonNull::new(unsafe { std::alloc::alloc(layout) })?;
//!         self.0.push(NonNull::slice_from_raw_parts(start, layout.size()));
//!         self.0.last().copied()
//!     }
//!     unsafe fn release(&mut self, block: NonNull<[u8]>) {
//!         self.0.retain(|&lent| lent != block);
//!         let layout = Layout::from_size_align(block.len(), Self::ALIGN).expect("as it was allocated");
//!         // SAFETY: the block was allocated with this layout, and is used no more.
//!         unsafe { std::alloc::dealloc(block.as_ptr().cast(), layout) };
//!     }
//!     fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
//!         let lent = self.0.iter().find(|lent| address.wrapping_sub(lent.addr().get()) < lent.len());
//!         lent.map(|lent| lent.cast())
//!     }
//! }
//!
//! let mut heap = Heap::new(Pages(Vec::new()));
//! let blocks = [0; 10].map(|_| heap.allocate(Layout::new::<[u8; 20_000]>()).expect("there is room"));
//! assert!(heap.source().0.len() > 1);
//! # for block in blocks {
//! #     // SAFETY: the block is not used any more.
//! #     unsafe { heap.deallocate(block).unwrap() };
//! # }
//! # heap.trim();
//! # assert!(heap.source().0.is_empty());
//! ```
//!
//! # Features
//!
//! All off unless asked for:
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `lock_api` | [`LockedHeap`] |
//! | `allocator-api2` | [`CellHeap`]; both heaps are `Allocator`s of allocator-api2 0.2, for its collections, hashbrown's and others' |
//! | `nightly` | `CellHeap`; both heaps are `Allocator`s of `core`, for the standard collections; nothing, where the compiler takes no unstable features |
//! | `portable-atomic` | [`LocalHeap`] where the target has no compare-and-swap; see portable-atomic on how it does without |
#![no_std]
// Some of these pages are there with some features alone.
#![cfg_attr(
    not(all(feature = "lock_api", feature = "allocator-api2")),
    allow(rustdoc::broken_intra_doc_links)
)]
#![cfg_attr(unstable_allocator, feature(allocator_api))]
// Where there is no `LocalHeap`, what it alone uses lies idle.
#![cfg_attr(
    not(any(target_has_atomic = "ptr", feature = "portable-atomic")),
    allow(dead_code, unused_imports)
)]

#[cfg(test)]
extern crate std;

#[cfg(any(feature = "allocator-api2", unstable_allocator))]
mod allocator;
#[cfg(any(feature = "lock_api", feature = "allocator-api2", unstable_allocator))]
mod bad_frees;
pub mod bins;
#[cfg(any(feature = "allocator-api2", unstable_allocator))]
mod cell;
pub mod chunk;
mod error;
mod fresh;
mod granule;
pub mod heap;
pub mod inspect;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
mod local;
#[cfg(feature = "lock_api")]
mod lock;
pub mod map;
mod mode;
pub mod quick;
#[cfg(test)]
mod random;
mod raw;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
pub mod remote;
#[cfg(any(feature = "lock_api", feature = "allocator-api2", unstable_allocator))]
mod shared;
pub mod source;
pub mod span;
mod sync;

#[cfg(any(feature = "lock_api", feature = "allocator-api2", unstable_allocator))]
pub use bad_frees::BadFree;
#[cfg(any(feature = "allocator-api2", unstable_allocator))]
pub use cell::CellHeap;
pub use error::FreeError;
pub use fresh::Fresh;
pub use granule::{GRANULE, Granule, OneWord, Position, TwoWords, TwoWordsLive, Within};
pub use heap::Heap;
pub use inspect::Totals;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
pub use local::{GranuleAt, LiveBlock, LocalHeap, LongWait, OnBadFree};
#[cfg(feature = "lock_api")]
pub use lock::{HeapGuard, LockedHeap};
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
pub use mode::Local;
pub use mode::{Compact, General, Mode, RealTime};
pub use source::{ArenaSource, BlocksFull, BlocksSource, PageSource};
