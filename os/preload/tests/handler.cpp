// Where memory is refused, the program's handler finds some, or throws; what it found is as long as was asked for.
#include <cstdio>
#include <cstdlib>
#include <new>
#include <sys/resource.h>

static void *reserve;
static int asked;

static void find_or_throw()
{
    asked++;
    if (!reserve)
        throw std::bad_alloc();
    std::free(reserve);
    reserve = nullptr;
}

struct List {
    void *first = nullptr;

    void add(void *block)
    {
        *static_cast<void **>(block) = first;
        first = block;
    }

    template <typename Drop> void drop_all(Drop drop)
    {
        while (void *block = first) {
            first = *static_cast<void **>(block);
            drop(block);
        }
    }
};

// Makes blocks until the handler was asked for memory once, found some, was asked again, and threw.
template <typename Make, typename Drop> static bool is_asked_twice(Make make, Drop drop)
{
    List blocks;
    reserve = std::malloc(21000);
    asked = 0;
    while (asked == 0)
        blocks.add(make());
    bool has_thrown = false;
    while (!has_thrown)
        try {
            blocks.add(make());
        } catch (const std::bad_alloc &) {
            has_thrown = true;
        }
    blocks.drop_all(drop);
    return asked == 2;
}

int main()
{
    const rlimit most = {300 << 20, 300 << 20};
    if (setrlimit(RLIMIT_AS, &most))
        return 1;
    std::set_new_handler(find_or_throw);
    const auto wide = std::align_val_t(64);
    const std::size_t size = 20000, odd = 20001;
    const bool all = is_asked_twice([&] { return operator new(size); }, [&](void *b) { operator delete(b, size); })
        && is_asked_twice([&] { return operator new[](size); }, [&](void *b) { operator delete[](b, size); })
        && is_asked_twice([&] { return operator new(odd, wide); }, [&](void *b) { operator delete(b, odd, wide); })
        && is_asked_twice([&] { return operator new[](odd, wide); }, [&](void *b) { operator delete[](b, odd, wide); });
    std::puts(all ? "as it should be" : "asked too seldom, or too often");
    return 0;
}
