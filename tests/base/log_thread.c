/* The log from many threads at once, also under the thread sanitizer: lines are whole, and lines
 * written plus lines left out are exactly the lines logged. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define THREADS    4
#define PER_THREAD 3000

static void *storm(void *arg)
{
    for (int i = 0; i < PER_THREAD; i++) {
        log_warn("base", "a storm of lines", "i=%d end", i);
        if (i % 1000 == 0)
            log_flush();
    }
    return arg;
}

int main(void)
{
    char path[] = "/tmp/peal-log-XXXXXX", line[LOG_LINE_MAX + 2];
    pthread_t thread[THREADS];
    unsigned long written = 0, left_out = 0;
    FILE *f;

    close(mkstemp(path));
    if (log_set_file(path) != OK)
        return 1;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, storm, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    log_flush();
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        const char *tail = strstr(line, " warn base: a storm of lines | ");
        unsigned n;

        if (tail != line + 24) {
            fprintf(stderr, "a broken line: %s", line);
            return 1;
        }
        if (sscanf(tail + 31, "left_out=%u", &n) == 1)
            left_out += n;
        else if (strcmp(line + strlen(line) - 5, " end\n") == 0)
            written++;
    }
    if (f)
        fclose(f);
    unlink(path);
    printf("%lu written, %lu left out\n", written, left_out);
    return written >= LOG_BURST && written + left_out == THREADS * PER_THREAD ? 0 : 1;
}
