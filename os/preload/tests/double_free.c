/* One mistake, by its name. */
#include <stdlib.h>
#include <string.h>

#pragma weak free_sized
#pragma weak free_aligned_sized
void free_sized(void *, size_t);
void free_aligned_sized(void *, size_t, size_t);

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "";
    char *volatile block = malloc(100);
    char *volatile inner = block + 32;
    if (strcmp(which, "interior") == 0)
        free(inner);
    if (strcmp(which, "shorter") == 0)
        free_sized(block, 50);
    if (strcmp(which, "much shorter") == 0)
        free_sized(malloc(5000), 4000);
    if (strcmp(which, "longer") == 0)
        free_aligned_sized(aligned_alloc(64, 5000), 64, 6000);
    if (strcmp(which, "no alignment") == 0)
        free_aligned_sized(block, 48, 100);
    free(block);
    if (strcmp(which, "double") == 0)
        free(block);
    if (strcmp(which, "realloc") == 0)
        block = realloc(block, 200);
    if (strcmp(which, "foreign") == 0) {
        block = (char *)&argc;
        free(block);
    }
    return 0;
}
