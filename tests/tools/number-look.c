/* number-look: numbers in E.164 on standard input, one a line; "1 ZONE,ZONE" (or 0) for each, so
 * that tests/e2e/numbers_e2e.py can compare the tables with the package they are made of. */
#include <stdio.h>
#include <string.h>

#include "campaign/number_plan.h"

int main(void)
{
    char line[128];

    while (fgets(line, sizeof(line), stdin)) {
        const char *names[NUMBER_ZONES_MAX];

        line[strcspn(line, "\n")] = '\0';
        uint32_t n = number_zones(line, names);

        printf("%d ", number_plan_check(line, NULL) == OK);
        for (uint32_t i = 0; i < n; i++)
            printf("%s%s", i ? "," : "", names[i]);
        putchar('\n');
    }
    return 0;
}
