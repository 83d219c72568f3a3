// What others open: it is refused memory, and frees what they made.
#include <new>
#include <vector>

extern "C" int is_refused()
{
    try {
        std::vector<char>().reserve(static_cast<std::size_t>(1) << 60);
    } catch (const std::bad_alloc &) {
        return !operator new(static_cast<std::size_t>(1) << 60, std::nothrow);
    }
    return 0;
}

extern "C" void take(std::vector<char> *bytes)
{
    delete bytes;
}
