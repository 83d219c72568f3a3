/* The first block, of as many bytes as the argument says: prints the MiB that are then held. */
#include <memalloc.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct memalloc_stats stats;
    char *block = memalloc(argc > 1 ? strtoul(argv[1], NULL, 10) : 1);
    if (!block || memstats(&stats) != 0)
        return 1;
    printf("%lu\n", stats.held >> 20);
    return memfree(block) != 0;
}
