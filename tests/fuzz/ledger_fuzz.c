/* Any bytes as an entry of the ledger: what is read is written again as the same, and its line of
 * CSV is one line that fits. */
#include <stdlib.h>
#include <string.h>

#include "campaign/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone *zone;
    char *copy = malloc(size ? size : 1); /* its own block, so that ASan sees one byte too far */
    char text[LEDGER_TEXT_MAX], line[LEDGER_CSV_MAX];
    struct buf packed = buf_on(text, sizeof(text)), csv = buf_on(line, sizeof(line));
    struct ledger_entry e, again;
    int32_t day;

    if (!zone && zone_open(&zone, SLICE("UTC")))
        abort();
    memcpy(copy, data, size);
    if (ledger_unpack(slice_of(copy, size), &e) == OK) {
        if (ledger_pack(&e, &packed) || ledger_unpack(buf_slice(&packed), &again) ||
            e.answered_wall_ms != again.answered_wall_ms || e.what != again.what ||
            e.waited_ms != again.waited_ms || e.false_ppm != again.false_ppm ||
            e.attempt != again.attempt || strcmp(e.call_id, again.call_id) ||
            strcmp(e.lead, again.lead) || strcmp(e.number, again.number) ||
            strcmp(e.engine, again.engine))
            abort();
        ledger_csv_entry(&e, 1, zone, true, &csv);
        if (buf_end(&csv) || memchr(line, '\n', csv.len) != line + csv.len - 1)
            abort();
    }
    ledger_date_parse(slice_of(copy, size), &day);
    free(copy);
    return 0;
}
