/* population.yaml beside this file, whole, put into the program. */
#include "simulate/population.h"

__asm__(".section .rodata\n"
        ".global peal_population\n"
        ".global peal_population_end\n"
        "peal_population:\n"
        ".incbin \"" PEAL_POPULATION "\"\n"
        "peal_population_end:\n"
        ".byte 0\n"
        ".text\n");
extern const char peal_population[], peal_population_end[];

struct slice population_default(void)
{
    return slice_of(peal_population, (size_t)(peal_population_end - peal_population));
}
