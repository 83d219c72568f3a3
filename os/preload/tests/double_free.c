/* One mistake, by its name. */
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "";
    char *volatile block = malloc(100);
    char *volatile inner = block + 32;
    if (strcmp(which, "interior") == 0)
        free(inner);
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
