/* Several threads put records while others look and ask for room; run under TSan. */
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/attempt.h"
#include "report/records.h"

#define PRODUCERS 4
#define EACH      500

static struct records *records;

static void *produce(void *arg)
{
    uint32_t first = *(const uint32_t *)arg;

    for (uint32_t i = 0; i < EACH; i++) {
        struct call_record r = attempt_make(first + i, 1, RESULT_BUSY);
        while (records_room(records) == 0 || records_put(records, &r) != OK)
            sched_yield();
    }
    return NULL;
}

static void *look(void *arg)
{
    struct records_stats stats;

    do {
        records_look(records, &stats);
        (void)records_has(records, "test", "lead-1", 1);
        sched_yield();
    } while (stats.written < PRODUCERS * EACH);
    return arg;
}

int main(void)
{
    char folder[] = "/tmp/peal-records-XXXXXX", jsonl[64], sqlite[64], error[RECORDS_ERROR_MAX];
    char command[64];
    uint32_t firsts[PRODUCERS];
    pthread_t producers[PRODUCERS], looker;
    struct records_stats stats;

    assert(mkdtemp(folder));
    snprintf(jsonl, sizeof(jsonl), "%s/calls.jsonl", folder);
    snprintf(sqlite, sizeof(sqlite), "%s/calls.sqlite", folder);
    const struct records_config config = {
        .jsonl_path = jsonl, .sqlite_path = sqlite, .ring = 64, .flush_ms = 20};
    assert(records_open(&records, &config, error) == OK);
    assert(pthread_create(&looker, NULL, look, NULL) == 0);
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        firsts[i] = i * EACH;
        assert(pthread_create(&producers[i], NULL, produce, &firsts[i]) == 0);
    }
    for (uint32_t i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i], NULL);
    assert(records_sync(records, 60000) == OK);
    pthread_join(looker, NULL);
    assert(records_close(records, &stats) == OK);
    assert(stats.written == PRODUCERS * EACH && stats.duplicates == 0 && stats.held == 0);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
