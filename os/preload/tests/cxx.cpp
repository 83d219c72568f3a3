// Every form of new and delete, and what they do when there is no memory.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            std::fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);     \
            std::exit(1);                                                            \
        }                                                                            \
    } while (0)

struct alignas(256) Wide {
    char bytes[300];
};

static int asked;

static void once()
{
    asked++;
    std::set_new_handler(nullptr);
}

template <typename Allocate> static bool throws(Allocate allocate)
{
    try {
        allocate();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

// Blocks of many sizes in a heap that is large, and has free chunks of many sizes: each is as long as was asked for.
static void in_pieces()
{
    const auto wide = std::align_val_t(64);
    std::vector<std::pair<void *, std::size_t>> blocks(2000), aligned(2000);
    for (unsigned step = 0; step < 40000; step++) {
        auto &[block, size] = blocks[step * 7919u % blocks.size()];
        operator delete(block, size);
        size = 1000 + step * 40503u % 12000;
        block = operator new(size);
        auto &[other, bytes] = aligned[step * 6151u % aligned.size()];
        operator delete(other, bytes, wide);
        bytes = 1000 + step * 30011u % 12000;
        other = operator new(bytes, wide);
        CHECK(malloc_usable_size(block) - size < 16 && malloc_usable_size(other) - bytes < 16);
    }
    for (auto [block, size] : blocks)
        operator delete(block, size);
    for (auto [block, size] : aligned)
        operator delete(block, size, wide);
}

int main(int argc, char **argv)
{
    volatile std::size_t most = PTRDIFF_MAX;
    const auto wide = std::align_val_t(256);
    for (std::size_t size : {1, 24, 1000, 100000, 5000000}) {
        operator delete(operator new(size));
        operator delete(operator new(size), size);
        operator delete[](operator new[](size));
        operator delete[](operator new[](size), size);
        operator delete(operator new(size, std::nothrow), std::nothrow);
        operator delete[](operator new[](size, std::nothrow), std::nothrow);
        void *block = operator new(size, wide);
        CHECK(reinterpret_cast<std::uintptr_t>(block) % 256 == 0);
        operator delete(block, wide);
        operator delete(operator new(size, wide), size, wide);
        operator delete[](operator new[](size, wide), wide);
        operator delete[](operator new[](size, wide), size, wide);
        operator delete(operator new(size, wide, std::nothrow), wide, std::nothrow);
        operator delete[](operator new[](size, wide, std::nothrow), wide, std::nothrow);
    }
    in_pieces();
    operator delete(nullptr);
    operator delete(nullptr, 8);
    CHECK(throws([&] { operator new(most); }) && throws([&] { operator new[](most); }));
    CHECK(throws([&] { operator new(most, wide); }) && throws([&] { operator new[](most, wide); }));
    CHECK(!operator new(most, std::nothrow) && !operator new[](most, wide, std::nothrow));
    std::set_new_handler(once);
    CHECK(throws([&] { operator new(most); }) && asked == 1);
    std::set_new_handler(once);
    CHECK(!operator new(most, std::nothrow) && asked == 2);
    std::set_new_handler(once);
    CHECK(!operator new[](most, std::nothrow) && asked == 3);
    std::set_new_handler(once);
    CHECK(!operator new(most, wide, std::nothrow) && asked == 4);
    std::set_new_handler(once);
    CHECK(!operator new[](most, wide, std::nothrow) && asked == 5);
    std::vector<Wide> wides(100);
    std::vector<std::string> strings;
    for (int i = 0; i < 10000; i++)
        strings.emplace_back(i % 200, 'x');
    std::thread([&] { strings.clear(); strings.shrink_to_fit(); }).join();
    if (argc > 1)
        operator delete(operator new(100), std::strtoull(argv[1], nullptr, 10));
    if (argc > 2)
        operator delete(operator new(5000, wide), std::strtoull(argv[2], nullptr, 10), wide);
    std::puts("as it should be");
    return argv[0] == nullptr;
}
