// A program without a C++ library, which opens one that has it to itself.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);
    int (*is_refused)(void) = plugin ? (int (*)(void))dlsym(plugin, "is_refused") : NULL;
    puts(is_refused && is_refused() ? "refused" : "not as it should be");
    return 0;
}
