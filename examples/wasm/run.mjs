// A host of the module: node run.mjs MODULE [corrupt]
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const MIB = 1 << 20;
const [path, argument] = process.argv.slice(2);
const module = readFileSync(path);
const { instance } = await WebAssembly.instantiate(module);
const heap = instance.exports;
const bytesOfMemory = () => heap.memory.buffer.byteLength;
const why = (status) => ['freed', 'NotOurs', 'NotAStart', 'AlreadyFree', 'WrongSize'][status];

console.log(`memalloc-core on wasm32, a module of ${module.length} bytes`);

function collections() {
    const sum = heap.collections(1000n);
    assert.equal(sum, 500500n + 333833500n);
    console.log(`collections: Vec and BTreeMap of Box: ${sum}`);
}

// Blocks of every size, each full of its number.
function growth() {
    const before = bytesOfMemory();
    const blocks = [];
    for (let number = 0, bytes = 0; bytes < 4 * MIB; number += 1) {
        const size = 1 + (number * 7919) % 5000;
        const block = heap.allocate(size);
        assert.notEqual(block, 0);
        // Memory that has grown is another buffer.
        new Uint8Array(heap.memory.buffer, block, size).fill(number);
        blocks.push({ block, size, number });
        bytes += size;
    }
    for (const { block, size, number } of blocks) {
        assert(new Uint8Array(heap.memory.buffer, block, size).every((byte) => byte === number % 256));
        assert.equal(why(heap.deallocate_sized(block, size)), 'freed');
    }
    assert(bytesOfMemory() > before && heap.used() === 0 && heap.check());
    console.log(`growth: linear memory grew from ${before} to ${bytesOfMemory()} bytes`);
}

// All there is, then half of it back, then all.
function exhaustion() {
    const blocks = [];
    for (let block; (block = heap.allocate(1000)) !== 0; ) {
        blocks.push(block);
    }
    assert(bytesOfMemory() > 15.9 * MIB && blocks.length * 1000 > 15 * MIB);
    const atEnd = bytesOfMemory();
    for (const half of [0, 1]) {
        assert.equal(heap.allocate(100_000), 0);
        blocks.filter((_, at) => at % 2 === half).forEach((block) => assert.equal(why(heap.deallocate(block)), 'freed'));
    }
    // Most of the largest piece that memory grew by.
    const block = heap.allocate(3.5 * MIB);
    assert.notEqual(block, 0);
    assert.equal(why(heap.deallocate(block)), 'freed');
    assert(bytesOfMemory() === atEnd && heap.used() === 0 && heap.check());
    console.log(`exhaustion: ${blocks.length} blocks of 1000 bytes in ${atEnd} bytes of memory, then all is free again`);
}

function badFrees() {
    const block = heap.allocate(100);
    const answers = [
        heap.deallocate(1024),
        heap.deallocate(block + 8),
        heap.deallocate_sized(block, 200),
        heap.deallocate(block) || heap.deallocate(block),
    ];
    console.log(`bad frees: ${answers.map(why).join(', ')}`);
}

collections();
growth();
exhaustion();
badFrees();

// Stays, so that something is in use.
heap.allocate(100);
console.log(`statistics: ${heap.used()} of ${heap.source()} bytes in use`);
if (argument === 'corrupt') {
    heap.corrupt();
}
const isWhole = heap.check();
console.log(isWhole ? 'check: the heap is whole' : 'check: the heap is not whole');
process.exitCode = isWhole ? 0 : 1;
