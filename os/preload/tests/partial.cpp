// A program with a few forms of new and delete of its own, those of single objects or those of arrays: others go to these.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

static long given, taken;

// Each block has a header, so that a free of it by anybody else is a bad one.
#ifdef OWN_ARRAYS
#define OWN(form) form[]
#else
#define OWN(form) form
#endif

void *OWN(operator new)(std::size_t size)
{
    char *block = static_cast<char *>(std::malloc(size + 32));
    if (!block)
        throw std::bad_alloc();
    given++;
    return block + 32;
}

void OWN(operator delete)(void *block) noexcept
{
    if (!block)
        return;
    taken++;
    std::free(static_cast<char *>(block) - 32);
}

struct Virtual {
    virtual ~Virtual() {}
    long numbers[20];
};

struct alignas(128) Wide {
    char bytes[300];
};

int main()
{
    for (int i = 0; i < 1000; i++) {
        delete new long(7);
        delete[] new std::string[i % 10];
        std::unique_ptr<Virtual> one(new Virtual);
        operator delete(operator new(100), std::size_t(100));
        operator delete[](operator new[](100), std::size_t(100));
        operator delete(operator new(100, std::nothrow), std::nothrow);
        operator delete[](operator new[](100, std::nothrow), std::nothrow);
        std::vector<std::string> strings(10, std::string(100, 'x'));
        std::function<int()> call = [strings] { return int(strings.size()); };
        if (call() != 10)
            return 1;
        // Those of this program have no alignment: these are not its own.
        delete new Wide;
        delete[] new Wide[3];
    }
    // Which forms there are is not asked the loader again and again, which would forget its error.
    if (dlopen("/nowhere/at/all.so", RTLD_LAZY))
        return 1;
    delete new std::string(100, 'x');
    operator delete(operator new(100), std::size_t(100));
    operator delete[](operator new[](100), std::size_t(100));
    if (!dlerror())
        return std::puts("no error");
    if (given < 3000 || given != taken)
        return std::printf("%ld given, %ld taken\n", given, taken);
    std::puts("its own");
    return 0;
}
