// A program with a malloc of its own: it is given back nothing but what it gave.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

alignas(16) char memory[1 << 20];
std::size_t used;
int foreign;

bool is_own(void *block)
{
    const auto at = reinterpret_cast<std::uintptr_t>(block), start = reinterpret_cast<std::uintptr_t>(memory);
    return at >= start && at < start + sizeof memory;
}

} // namespace

extern "C" {

void *malloc(std::size_t size)
{
    char *const start = memory + used;
    used += 16 + (size + 15) / 16 * 16;
    if (used > sizeof memory)
        std::abort();
    std::memcpy(start, &size, sizeof size);
    return start + 16;
}

void free(void *block)
{
    foreign += block && !is_own(block);
}

void *calloc(std::size_t count, std::size_t size)
{
    return malloc(count * size); // Nothing is used twice.
}

void *realloc(void *block, std::size_t size)
{
    void *const other = malloc(size);
    if (block && is_own(block)) {
        std::size_t before;
        std::memcpy(&before, static_cast<char *>(block) - 16, sizeof before);
        std::memcpy(other, block, before < size ? before : size);
    }
    free(block);
    return other;
}

void *reallocarray(void *block, std::size_t count, std::size_t size) noexcept;
}

struct alignas(64) Line {
    char bytes[64];
};

int main()
{
    for (int i = 0; i < 20; i++) {
        delete new int(i);
        delete[] new char[100 * i];
        delete new std::string(100, 'x');
        ::operator delete(::operator new(40));
        ::operator delete(::operator new(40, std::nothrow), std::nothrow);
        ::operator delete(::operator new(40), std::size_t{40});
        delete new Line;
        std::vector<int> growing;
        for (int k = 0; k < 200; k++)
            growing.push_back(k);
        auto shared = std::make_shared<std::string>("shared");
        char *const copy = strdup("copied");
        free(reallocarray(copy, 10, 10));
        free(reallocarray(nullptr, 3, 5));
    }
    std::printf("%d foreign\n", foreign);
    return 0;
}
