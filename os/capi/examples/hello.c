/* What memalloc and memfree answer. */
#include <limits.h>
#include <memalloc.h>
#include <stdio.h>

int main(void)
{
    char *block = memalloc(100);
    int on_the_stack;

    printf("memalloc(100)         %s\n", block ? "a block" : "NULL");
    printf("memfree(block + 16)   %d\n", memfree(block + 16));
    printf("memfree(block)        %d\n", memfree(block));
    printf("memfree(block)        %d\n", memfree(block));
    printf("memfree(NULL)         %d\n", memfree(NULL));
    printf("memfree(stack)        %d\n", memfree(&on_the_stack));
    printf("memalloc(0)           %s\n", memalloc(0) ? "a block" : "NULL");
    printf("memalloc(ULONG_MAX)   %s\n", memalloc(ULONG_MAX) ? "a block" : "NULL");
    return 0;
}
