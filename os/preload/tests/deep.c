/* Opens a library so that it would find its own malloc and free before others, and hands it blocks. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_DEEPBIND);
    if (!library)
        return puts(dlerror());
    void (*give)(void *) = (void (*)(void *))dlsym(library, "give");
    void *(*take)(void) = (void *(*)(void))dlsym(library, "take");
    for (int i = 0; i < 1000; i++) {
        give(malloc(i));
        free(take());
    }
    if (dlopen("/nowhere/at/all.so", RTLD_LAZY | RTLD_DEEPBIND) || !dlerror())
        return puts("opened what is not there");
    puts("deep");
    return 0;
}
