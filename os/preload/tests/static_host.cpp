// A program with the C++ library in itself, whose blocks one that it opens frees: they are malloc's.
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <vector>

int main(int argc, char **argv)
{
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    if (!plugin)
        return 1;
    const auto take = reinterpret_cast<void (*)(std::vector<char> *)>(dlsym(plugin, "take"));
    // Free chunks somewhat longer than what is asked for.
    std::vector<void *> blocks;
    for (int i = 0; i < 600; i++)
        blocks.push_back(std::malloc(21000));
    for (int i = 0; i < 600; i += 2)
        std::free(blocks[i]);
    for (int i = 0; i < 20; i++)
        take(new std::vector<char>(20000));
    std::puts("taken");
    return 0;
}
