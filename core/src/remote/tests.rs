use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::vec::Vec;

use crate::remote::{Inbox, Outbox, RemoteSpan};
use crate::{ArenaSource, FreeError, GRANULE, LocalHeap, PageSource};

const LAYOUT: Layout = Layout::new::<[u8; 40]>();
/// Its bytes, whole granules.
const WHOLE: usize = LAYOUT.size().next_multiple_of(GRANULE);

fn new_heap() -> (LocalHeap<'static, ArenaSource>, NonNull<Inbox>) {
    let inbox = std::boxed::Box::leak(std::boxed::Box::new(Inbox::new()));
    let arena = std::vec![MaybeUninit::uninit(); 1 << 20].leak();
    let at = NonNull::from(&*inbox);
    (LocalHeap::new(ArenaSource::new(arena), inbox, |error, _| panic!("{error}")), at)
}

fn span_of(heap: &LocalHeap<'_, ArenaSource>, block: NonNull<u8>) -> RemoteSpan {
    let start = heap.source().block_of(block.addr().get()).unwrap();
    // SAFETY: the heap has a span there, and outlives the test's use of it.
    unsafe { RemoteSpan::at(start) }
}

#[test]
fn a_block_freed_elsewhere_is_freed_once_whoever_else_tries() {
    let (mut heap, inbox) = new_heap();
    let mut outbox = Outbox::new();
    for bytes in [0, WHOLE] {
        let block = heap.allocate(LAYOUT).unwrap();
        let span = span_of(&heap, block);
        assert_eq!(span.usable_size(block), Ok(WHOLE));
        assert_eq!(span.mark(block), Ok(true));
        // SAFETY: the block was just marked, and the heap is to refuse the other frees.
        unsafe {
            outbox.put(inbox, block, bytes, false);
            assert_eq!(span.mark(block), Err(FreeError::AlreadyFree));
            assert_eq!(span.usable_size(block), Err(FreeError::AlreadyFree));
            assert_eq!(heap.deallocate(block), Err(FreeError::AlreadyFree));
            assert_eq!(heap.deallocate_sized(block, LAYOUT), Err(FreeError::AlreadyFree));
            assert_eq!(heap.reallocate(block, LAYOUT, 100), None);
        }
        assert_eq!((heap.usable_size(block), heap.heap().check()), (Err(FreeError::AlreadyFree), Ok(())));
        assert_eq!((heap.take_in(), heap.totals().used_chunks()), (0, 1));
        outbox.flush();
        assert_eq!((heap.take_in(), heap.totals().used_chunks()), (1, 0));
        assert_eq!((span.mark(block), heap.heap().check()), (Err(FreeError::AlreadyFree), Ok(())));
    }
}

#[test]
fn bad_frees_from_elsewhere_are_told_apart() {
    let (mut heap, _) = new_heap();
    let block = heap.allocate(LAYOUT).unwrap();
    let span = span_of(&heap, block);
    for offset in [1, 8, 16, 47] {
        // SAFETY: the pointer stays in the block.
        assert_eq!(span.mark(unsafe { block.add(offset) }), Err(FreeError::NotAStart));
    }
    // SAFETY: what is behind the block is free, and in the arena; the block is not used below.
    unsafe {
        assert_eq!(span.mark(block.add(WHOLE)), Err(FreeError::AlreadyFree));
        heap.deallocate(block).unwrap();
    }
    assert_eq!(span.mark(block), Err(FreeError::AlreadyFree));
    let large = heap.allocate(Layout::new::<[u8; 70_000]>()).unwrap();
    assert_eq!(span.usable_size(large), Ok(70_000));
    // SAFETY: the pointer stays in the block.
    assert_eq!(span.mark(unsafe { large.add(60_000) }), Err(FreeError::NotAStart));
    assert_eq!((span.mark(large), span.mark(large)), (Ok(false), Err(FreeError::AlreadyFree)));
    // SAFETY: the heap is to refuse.
    let freed = unsafe { heap.deallocate_sized(large, Layout::new::<[u8; 70_000]>()) };
    assert_eq!((freed, heap.heap().check()), (Err(FreeError::AlreadyFree), Ok(())));
}

#[test]
fn a_free_from_elsewhere_with_a_wrong_size_is_refused_where_the_block_is_known() {
    use core::sync::atomic::{AtomicUsize, Ordering};
    static BAD: AtomicUsize = AtomicUsize::new(0);
    static INBOX: Inbox = Inbox::new();
    let arena = std::vec![MaybeUninit::uninit(); 1 << 20].leak();
    let mut heap = LocalHeap::new(ArenaSource::new(arena), &INBOX, |error, _| {
        assert_eq!(error, FreeError::WrongSize);
        BAD.fetch_add(1, Ordering::Relaxed);
    });
    let block = heap.allocate(LAYOUT).unwrap();
    span_of(&heap, block).mark(block).unwrap();
    let mut outbox = Outbox::new();
    // SAFETY: the block was just marked.
    unsafe { outbox.put(NonNull::from(&INBOX), block, 64, false) };
    outbox.flush();
    assert_eq!((heap.take_in(), BAD.load(Ordering::Relaxed)), (1, 1));
    assert_eq!((heap.totals().used_chunks(), heap.heap().check()), (1, Ok(())));
    // SAFETY: the block is still in use, and not used below.
    assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
}

#[test]
fn what_has_come_back_is_taken_before_the_source_is_asked() {
    let (mut heap, inbox) = new_heap();
    let mut blocks: Vec<_> = core::iter::from_fn(|| heap.allocate(LAYOUT)).collect();
    let all = blocks.len();
    let mut outbox = Outbox::new();
    for round in 0..3 {
        for &block in &blocks {
            span_of(&heap, block).mark(block).unwrap();
            // SAFETY: the block was just marked.
            unsafe { outbox.put(inbox, block, if round == 1 { WHOLE } else { 0 }, false) };
        }
        outbox.flush();
        blocks = core::iter::from_fn(|| heap.allocate(LAYOUT)).collect();
        assert_eq!((blocks.len(), heap.heap().check()), (all, Ok(())));
    }
    for &block in &blocks {
        span_of(&heap, block).mark(block).unwrap();
        // SAFETY: the block was just marked.
        unsafe { outbox.put(inbox, block, 0, false) };
    }
    outbox.flush();
    assert!(heap.allocate(Layout::new::<[u8; 900_000]>()).is_some());
}
